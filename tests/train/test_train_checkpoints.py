from kslm import published
from kslm.train import checkpoints


def test_checkpoint_counts_only_while_it_equals_its_seal(tmp_path):
    for step in (5, 10, 15):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"weights")
        published.seal(folder)
    (tmp_path / "checkpoint-15" / "model.safetensors").write_bytes(b"weightz")
    assert checkpoints.latest_whole(tmp_path).name == "checkpoint-10"
    checkpoints.discard_broken(tmp_path)
    assert [path.name for path in checkpoints.listed(tmp_path)] == ["checkpoint-5", "checkpoint-10"]
    checkpoints.rotate(tmp_path, 1, None)
    assert [path.name for path in checkpoints.listed(tmp_path)] == ["checkpoint-10"]
