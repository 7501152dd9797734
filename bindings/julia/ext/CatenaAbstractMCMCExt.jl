# sample(rng, LogDensityModel(ℓ), Catena.NUTS(), MCMCThreads(), n, chains): the interface of AbstractMCMC.
module CatenaAbstractMCMCExt

import AbstractMCMC
import Catena
import Random

function AbstractMCMC.sample(rng::Random.AbstractRNG, model::AbstractMCMC.LogDensityModel, sampler::Catena.NUTS,
                             ::AbstractMCMC.AbstractMCMCEnsemble, n::Integer, chains::Integer; options...)
    Catena.sample(model.logdensity, n; seed = rand(rng, UInt64), sampler.options..., options..., chains = chains)
end

AbstractMCMC.sample(rng::Random.AbstractRNG, model::AbstractMCMC.LogDensityModel, sampler::Catena.NUTS, n::Integer;
                    options...) =
    AbstractMCMC.sample(rng, model, sampler, AbstractMCMC.MCMCSerial(), n, 1; options...)

AbstractMCMC.sample(model::AbstractMCMC.LogDensityModel, sampler::Catena.NUTS, arguments...; options...) =
    AbstractMCMC.sample(Random.GLOBAL_RNG, model, sampler, arguments...; options...)

end
