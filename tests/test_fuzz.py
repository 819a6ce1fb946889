"""Our own parsers answer whatever comes with a result or with one of our errors."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import fuzz
from tests.fuzz_targets import TARGETS, Target


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_targets(target: Target, data: st.DataObject) -> None:
    target.run(data.draw(target.inputs()))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_seeds(target: Target) -> None:
    for seed in target.seeds:
        target.run(seed)


def test_a_target_that_falls_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def fall(data: bytes) -> None:
        assert b"(" not in data

    runs, stood = fuzz.fuzz(Target("falls", fall, (b"a(b",)), 5, 0)
    assert runs
    assert not stood
    assert "falls: seed" in capsys.readouterr().err
