from kslm.train.conditions import ConditionLog, conditions


def test_starts_are_kept_and_changes_between_them_are_said(tmp_path):
    now = conditions(bf16=False)
    assert {"torch", "transformers", "accelerate", "numpy", "python", "threads", "ranks", "processor"} <= now.keys()
    log = ConditionLog(tmp_path)
    log.add(0, now)
    log.add(10, now)
    assert log.changes() == []
    log.add(20, now | {"torch": "9.9", "ranks": "4"})
    assert ConditionLog(tmp_path).changes() == [
        f"went on from step 20 under other conditions: ranks 1 → 4, torch {now['torch']} → 9.9"
    ]
