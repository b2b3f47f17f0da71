"""Writes the PyTorch fixtures of this directory and expected.json.

Run with: python make.py   (PyTorch 2 and safetensors, in this directory)
"""
import argparse
import collections
import json
import warnings

import numpy
import torch
from torch import nn
from safetensors.torch import save_file

warnings.filterwarnings("ignore")
torch.manual_seed(1)

# Every kind of tensor that a state dict may hold.
base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
kinds = collections.OrderedDict(
    f32=base.clone(),
    transposed=torch.arange(6, dtype=torch.float32).reshape(2, 3).t(),
    permuted=torch.arange(24, dtype=torch.float32).reshape(2, 3, 4).permute(2, 0, 1),
    rows=base[1:3],
    columns=base[:, 2:5:2],
    shared=base.view(-1)[5:9],
    expanded=torch.tensor([[1.5], [2.5]]).expand(2, 3),
    f64=torch.tensor([1 / 3, -1e300], dtype=torch.float64),
    f16=torch.tensor([1 / 3, -65504, 6e-8, float("inf")], dtype=torch.float16),
    bf16=torch.tensor([1 / 3, -3e38], dtype=torch.bfloat16),
    scalar=torch.tensor(-7, dtype=torch.int64),
    i64=torch.tensor([2**62, -1], dtype=torch.int64),
    i32=torch.tensor([2**31 - 1, -2], dtype=torch.int32),
    i16=torch.tensor([2**15 - 1, -3], dtype=torch.int16),
    i8=torch.tensor([127, -4], dtype=torch.int8),
    u8=torch.tensor([255, 0, 1], dtype=torch.uint8),
    bool=torch.tensor([True, False, True]),
    empty=torch.zeros(0, 3),
    parameter=nn.Parameter(torch.tensor([1.0, 2.0])),
)
torch.save(kinds, "kinds_zip.pt")
torch.save(kinds, "kinds_legacy.pt", _use_new_zipfile_serialization=False)
torch.save(kinds, "kinds_zip_protocol4.pt", pickle_protocol=4)
torch.save(kinds, "kinds_legacy_protocol4.pt", pickle_protocol=4, _use_new_zipfile_serialization=False)

# The same from Hugging Face's writer of safetensors.
save_file({k: v.detach().clone().contiguous() for k, v in kinds.items()}, "kinds.safetensors", {"by": "safetensors", "ünï": "<&>\n"})

# What a training script saves: the net wrapped for several devices, beside
# optimiser, schedule and numbers.
net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))
opt = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, nesterov=True)
net(torch.randn(2, 3, 3, 3)).sum().backward()
opt.step()
sched = torch.optim.lr_scheduler.MultiStepLR(opt, [50, 75])
wrapped = collections.OrderedDict(("module." + k, v) for k, v in net.state_dict().items())
run = dict(epoch=3, arch="wrn-40-2", state_dict=wrapped, optimizer=opt.state_dict(),
           scheduler=sched.state_dict(), cla_acc=94.0625, amp=False,
           args=argparse.Namespace(lr=0.1), best=numpy.float64(94.5), device=torch.device("cpu"), dtype=torch.float32,
           shape=torch.Size([3, 32, 32]), history=collections.defaultdict(list, loss=[1.5]), seen={1, 2})
torch.save(run, "run_zip.pth.tar")
torch.save(run, "run_legacy.pth", _use_new_zipfile_serialization=False)

# What is refused.
torch.save(nn.Linear(2, 2), "module_zip.pt")
torch.save({"w": torch.eye(2).to_sparse()}, "sparse_zip.pt")
torch.jit.trace(nn.ReLU(), torch.ones(1)).save("torchscript.pt")


def expect(state):
    out = []
    for name, t in state.items():
        t = t.detach()
        values = t.double().flatten().tolist() if t.is_floating_point() else t.to(torch.int64).flatten().tolist()
        values = ["inf" if v == float("inf") else v for v in values]
        out.append(dict(name=name.removeprefix("module."), shape=list(t.shape), dtype=str(t.dtype), values=values))
    return out


json.dump(dict(kinds=expect(kinds), run=expect(wrapped)), open("expected.json", "w"), indent=1)
