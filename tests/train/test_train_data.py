import numpy as np
import torch

from kslm.train.data import Windows, collate


def test_windows_predict_each_token_but_the_first_once():
    windows = Windows(np.arange(41, dtype=np.uint16), 10)
    batch = collate([windows[i] for i in range(len(windows))])["input_ids"]
    assert batch.shape == (4, 11) and batch.dtype == torch.int64
    assert batch[:, 1:].flatten().tolist() == list(range(1, 41))
