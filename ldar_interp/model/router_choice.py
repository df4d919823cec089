"""From a config's word to a router: the one place where a kind becomes a module."""

from ldar_interp.model.fixed_routers import FixedRouter, RandomRouter
from ldar_interp.model.router import BidirectionalRouter, OneSidedRouter, Router
from ldar_interp.model.router_spec import RouterSpec


def build_router(spec: RouterSpec, d_model: int, depth: int) -> Router:
    """The router of one stage.

    Parameters
    ----------
    spec : kind and number, the same for all stages of a model.
    d_model : width of the stage.
    depth : 0 for the outermost stage; random cuts of one stage do not repeat those of another.
    """
    if spec.period is not None:
        return FixedRouter(spec.period)
    if spec.rate is not None:
        return RandomRouter(spec.rate, depth)
    return OneSidedRouter(d_model) if spec.kind == "one_sided" else BidirectionalRouter(d_model)
