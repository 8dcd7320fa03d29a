"""What every notebook begins with: parameters, settings, and a way to show things, wherever the notebook is opened."""

from kslm.notebook.deployment import Deployment
from kslm.notebook.start import Notebook, start

__all__ = ["Deployment", "Notebook", "start"]
