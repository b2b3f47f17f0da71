"""Writes torch.json: what PyTorch computes with small networks of every family.

Usage: python make.py PEER > torch.json

PEER is a Python file with other people's definitions of ResNet-18, wide ResNet
and DenseNet for 32x32 images (classes ResNet18, WideResNet, DenseNetBC, their
parameters registered in the order of the published code); the networks for large
images are torchvision's. Parameters, buffers and images are functions of their
numbers (draw), so the test makes the same ones. float64 on the CPU.
"""
import importlib.util
import json
import sys
import numpy as np
import torch
import torch.nn.functional as F
import torchvision

torch.set_default_dtype(torch.float64)
spec = importlib.util.spec_from_file_location("peer", sys.argv[1])
peer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peer)


def draw(k, shape):
    """Numbers in [-1, 1) from an integer hash of the array's and the element's number."""
    n = int(np.prod(shape))
    x = (np.arange(n, dtype=np.uint64) * 747796405 + k * 2891336453 + 1) & 0xFFFFFFFF
    for _ in range(2):
        x = ((x ^ (x >> np.uint64(16))) * 0x45D9F3B) & 0xFFFFFFFF
    x ^= x >> np.uint64(16)
    return torch.from_numpy(x.astype(np.float64) / 2**31 - 1).reshape(shape)


def fill(net):
    for k, (name, t) in enumerate((n, t) for n, t in net.state_dict().items() if t.is_floating_point()):
        u = draw(k, tuple(t.shape))
        if name.endswith("running_var"):
            u = 1 + 0.5 * u
        elif name.endswith("running_mean") or name.endswith("bias"):
            u = 0.2 * u
        elif t.dim() == 1:
            u = 1 + 0.3 * u
        else:
            u = u * (6 / t[0].numel()) ** 0.5
        t.copy_(u)


def norms(ts):
    return [t.norm().item() for t in ts]


def case(net, size, classes, batch=3):
    with torch.no_grad():
        fill(net)
    images = draw(1000, (batch, size, size, 3)).permute(0, 3, 1, 2).contiguous().requires_grad_()
    params = list(net.parameters())
    net.eval()
    logits = net(images)
    (g,) = torch.autograd.grad(-torch.logsumexp(logits, 1).sum(), images)
    out = {"size": size, "classes": classes, "eval_logits": logits.flatten().tolist(), "eval_input": norms(g)}
    net.train()
    logits = net(images)
    (g,) = torch.autograd.grad(-torch.logsumexp(logits, 1).sum(), images, create_graph=True)
    ce = F.cross_entropy(logits, torch.arange(batch) % classes)
    out["train_logits"] = logits.flatten().tolist()
    out["ce_grads"] = norms(torch.autograd.grad(ce, params, retain_graph=True))
    penalty = g.flatten(1).norm(dim=1).sum()
    out["penalty"] = [penalty.item()]
    second = torch.autograd.grad(penalty, params, allow_unused=True)
    out["penalty_grads"] = [0 if t is None else t.norm().item() for t in second]
    out["statistics"] = norms(b for b in net.buffers() if b.is_floating_point())
    return out


tv = torchvision.models
print(json.dumps({
    "wrn-16-1": case(peer.WideResNet(16, 1, 5), 16, 5),
    "wrn-10-2": case(peer.WideResNet(10, 2, 5), 16, 5),
    "resnet18": case(peer.ResNet18(5), 8, 5),
    "resnet18-imagenet": case(tv.resnet18(num_classes=5), 32, 5),
    "densenet-22-4": case(peer.DenseNetBC(22, 4, 5), 16, 5),
    "densenet121": case(tv.densenet121(num_classes=5), 32, 5),
}))
