"""Packed layers against the layers of torch that they stand for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from retrieval.encoders.packed_linears import PackedLinear, pack_for_onednn, pack_linears

CPU = torch.device("cpu")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 24), (7, 24), (2, 3, 24)])
def test_a_packed_layer_multiplies_as_the_layer_did(bias: bool, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    layer, x = nn.Linear(24, 40, bias=bias), torch.randn(shape)
    with torch.inference_mode():
        truth = layer(x)
        packed = PackedLinear(layer.weight, layer.bias)
        torch.testing.assert_close(packed(x), truth, rtol=1e-5, atol=1e-5)
        assert torch.equal(packed(x), packed(x))
    assert packed.weight.numel() == 0, "the weights would lie in memory twice"


@pytest.mark.parametrize("masked", [True, False])
def test_packed_attention_attends_as_torch_does(masked: bool) -> None:
    torch.manual_seed(0)
    model = nn.ModuleDict({"attention": nn.MultiheadAttention(32, 4, batch_first=True)})
    x = torch.randn(2, 9, 32)
    mask = torch.triu(torch.full((9, 9), -torch.inf), 1) if masked else None
    with torch.inference_mode():
        truth = model.eval()["attention"](x, x, x, need_weights=False, attn_mask=mask)[0]
        pack_linears(model)
        made = model["attention"](x, x, x, need_weights=False, attn_mask=mask)[0]
    torch.testing.assert_close(made, truth, rtol=1e-5, atol=1e-5)
    assert not isinstance(model["attention"], nn.MultiheadAttention)


def test_what_has_no_packed_form_is_left_as_it_is() -> None:
    model = nn.ModuleDict(
        {"norm": nn.LayerNorm(8), "other_order": nn.MultiheadAttention(8, 2, batch_first=False)}
    )
    pack_linears(model)
    assert isinstance(model["other_order"], nn.MultiheadAttention)
    assert isinstance(model["norm"], nn.LayerNorm)


def test_other_precisions_are_not_packed() -> None:
    model = nn.Sequential(nn.Linear(8, 8))
    assert not pack_for_onednn(model, CPU, "bf16")
    assert not pack_for_onednn(model, torch.device("meta"), "fp32")
    assert type(model[0]) is nn.Linear
