"""The agent on the board: samples sensors, finds faults, phones home."""

__version__ = "0.1.0"


def __getattr__(name: str):
    if name == "Agent":
        from .agent import Agent

        return Agent
    if name == "Product":
        from .core.product import Product

        return Product
    raise AttributeError(name)
