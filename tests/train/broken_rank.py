"""`kslm`, with a second rank that fails in the middle of training."""

import os

from kslm.cli import main
from kslm.errors import KslmError
from kslm.train.data import Windows

if os.environ["RANK"] == "1":
    windows, read = Windows.__getitem__, []

    def failing(self: Windows, index: int):
        read.append(index)
        if len(read) > 20:
            raise KslmError("the disk is gone")
        return windows(self, index)

    Windows.__getitem__ = failing

if __name__ == "__main__":
    main()
