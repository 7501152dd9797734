# Chains(draws): draws as MCMCChains has them, the sampler's columns among the internals.
module CatenaMCMCChainsExt

import Catena
import MCMCChains

MCMCChains.Chains(draws::Catena.Draws) = MCMCChains.Chains(
    permutedims(draws.values, (1, 3, 2)), Symbol.(draws.names),
    (parameters = Symbol.(Catena.parameters(draws)), internals = Symbol.(draws.names[1:draws.sampler_columns])))

end
