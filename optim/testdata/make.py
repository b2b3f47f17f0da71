"""Writes torch.json: trajectories of PyTorch's optimisers, clipping and schedules.

Usage: python make.py > torch.json   (any PyTorch 2; float64 on the CPU)
"""
import json
import math
import torch
from torch.optim import lr_scheduler as sched

torch.set_default_dtype(torch.float64)
STEPS = 6
W = [[0.5, -1.25, 2.0], [0.75, -0.1]]
SCALE = [[1.0, 0.5, 2.0], [3.0, 0.25]]
GOAL = [[-0.5, 1.0, 0.25], [0.0, 2.0]]


def trajectory(make, clip=None):
    """Weights after every step on sum(scale*(w-goal)^2)/2; the second parameter has
    no gradient in steps 2 and 3; the rate falls by a tenth every step."""
    ps = [torch.tensor(w, requires_grad=True) for w in W]
    opt = make(ps)
    first = opt.param_groups[0]["lr"]
    out, norms = [], []
    for t in range(STEPS):
        opt.param_groups[0]["lr"] = first * 0.9**t
        opt.zero_grad(set_to_none=True)
        loss = sum((torch.tensor(s) * (p - torch.tensor(g)) ** 2).sum() / 2
                   for p, s, g in list(zip(ps, SCALE, GOAL))[: 1 if t in (2, 3) else 2])
        loss.backward()
        if clip is not None:
            norms.append(torch.nn.utils.clip_grad_norm_(ps, clip).item())
        opt.step()
        out.append([p.tolist() for p in ps])
    return {"lr": first, "clip": clip or 0, "weights": out, "norms": norms}


def rates(make, lr, steps):
    p = torch.zeros(1, requires_grad=True)
    opt = torch.optim.SGD([p], lr=lr)
    s = make(opt)
    out = []
    for _ in range(steps):
        out.append(opt.param_groups[0]["lr"])
        opt.step()
        s.step()
    return out


SGD, ADAM = torch.optim.SGD, torch.optim.Adam
print(json.dumps({
    "start": W, "scale": SCALE, "goal": GOAL,
    "optimisers": {
        "sgd": trajectory(lambda p: SGD(p, lr=0.1)),
        "sgd decay": trajectory(lambda p: SGD(p, lr=0.1, weight_decay=0.05)),
        "sgd momentum": trajectory(lambda p: SGD(p, lr=0.1, momentum=0.9)),
        "sgd momentum decay": trajectory(lambda p: SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05)),
        "sgd nesterov decay": trajectory(lambda p: SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05, nesterov=True)),
        "sgd nesterov clip": trajectory(lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True), clip=1.5),
        "adam": trajectory(lambda p: ADAM(p, lr=0.1)),
        "adam decay": trajectory(lambda p: ADAM(p, lr=0.1, weight_decay=0.05)),
        "adam betas eps": trajectory(lambda p: ADAM(p, lr=0.05, betas=(0.8, 0.95), eps=1e-3), clip=0.5),
    },
    "schedules": {
        "cosine": rates(lambda o: sched.CosineAnnealingLR(o, T_max=10, eta_min=1e-4), 0.1, 11),
        "multistep": rates(lambda o: sched.MultiStepLR(o, [3, 5, 9], gamma=0.1), 0.1, 11),
        "warmup": rates(lambda o: sched.SequentialLR(o, [
            sched.LinearLR(o, start_factor=0.25, total_iters=4),
            sched.CosineAnnealingLR(o, T_max=6, eta_min=1e-4)], milestones=[4]), 0.1, 11),
    },
}))
