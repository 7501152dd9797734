"""Catena: many Markov chains in one process over one shared model."""

from ._abi import include_dir, library_path, version
from ._approximate import Approximation, ApproximationFit, laplace, pathfinder, variational
from ._course import Course
from ._design import Best, Guess, Sparse, sparse_time
from ._errors import ArgumentError, CatenaError, CatenaWarning, Reject
from ._estimates import Mean, ModelSet, bayesian_bound
from ._evidence import Evidence
from ._filter import Filter, particle_filter
from ._fit import Chain, Fit
from ._jax import JaxModel
from ._likelihood import Likelihood, cos_squared
from ._model import CModel, FunctionModel, Model, VectorizedModel, log_density_signature
from ._modes import Mode, OptimizerStart, Optimum, optimize
from ._options import Option, options
from ._population import Population
from ._prior import Prior
from ._progress import Progress
from ._pymc import PyMCModel
from ._qinfer import from_qinfer
from ._quantities import GradientCheck, diagnose, generate_quantities, log_density
from ._read import read
from ._report import report
from ._run import Run
from ._sample import resume, sample, start
from ._smc import Particles, ParticleSet, Stage, sample_smc
from ._stan import StanModel
from ._summary import Summary, ebfmi, ess_bulk, ess_mean, ess_tail, mcse_mean, mcse_quantile, mcse_sd, rhat, summarize
from ._updater import Updater
from ._weighted import TraceSet

__all__ = [
    "Approximation",
    "ApproximationFit",
    "ArgumentError",
    "Best",
    "CModel",
    "CatenaError",
    "CatenaWarning",
    "Chain",
    "Course",
    "Evidence",
    "Filter",
    "Fit",
    "FunctionModel",
    "GradientCheck",
    "Guess",
    "JaxModel",
    "Likelihood",
    "Mean",
    "Mode",
    "Model",
    "ModelSet",
    "OptimizerStart",
    "Optimum",
    "Option",
    "ParticleSet",
    "Particles",
    "Population",
    "Prior",
    "Progress",
    "PyMCModel",
    "Reject",
    "Run",
    "Sparse",
    "Stage",
    "StanModel",
    "Summary",
    "TraceSet",
    "Updater",
    "VectorizedModel",
    "__version__",
    "bayesian_bound",
    "cos_squared",
    "diagnose",
    "ebfmi",
    "ess_bulk",
    "ess_mean",
    "ess_tail",
    "from_qinfer",
    "generate_quantities",
    "include_dir",
    "laplace",
    "library_path",
    "log_density",
    "log_density_signature",
    "mcse_mean",
    "mcse_quantile",
    "mcse_sd",
    "optimize",
    "options",
    "particle_filter",
    "pathfinder",
    "read",
    "report",
    "resume",
    "rhat",
    "sample",
    "sample_smc",
    "sparse_time",
    "start",
    "summarize",
    "variational",
    "version",
]

__version__ = version()
