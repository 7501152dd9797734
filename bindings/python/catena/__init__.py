"""Catena: many Markov chains in one process over one shared model."""

from ._abi import include_dir, library_path, version
from ._errors import ArgumentError, CatenaError, CatenaWarning, Reject
from ._fit import Chain, Fit
from ._jax import JaxModel
from ._model import CModel, FunctionModel, Model, VectorizedModel, log_density_signature
from ._options import Option, options
from ._progress import Progress
from ._run import Run
from ._sample import resume, sample, start
from ._stan import StanModel
from ._summary import Summary, ebfmi, ess_bulk, ess_mean, ess_tail, mcse_mean, mcse_quantile, mcse_sd, rhat, summarize

__version__ = version()
