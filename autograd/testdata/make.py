"""Writes nets.json: whole training steps with two small networks, by PyTorch.

Usage: python make.py > nets.json

greg_net_B is a residual block with a projection, greg_net_C a dense layer with a
transition. The loss is cross-entropy, the squared hinges on S = -logsumexp
(equation 1 of arXiv:2404.12368) and the penalty on input gradients (equation 3), as
the paper prints it and as its authors' code computes it. float64 on the CPU, NCHW
and OIHW. Operands are rounded first, so the file has them exactly; results have 10
digits.
"""
import json
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
ID, OOD, CLASSES, SIDE, CHANNELS = 3, 3, 3, 4, 2
LABELS = [0, 2, 1]


class Net:
    """A network whose operands are drawn when it first asks for them."""

    def __init__(self, seed):
        self.rand = np.random.default_rng(seed)
        self.params, self.buffers, self.train = {}, {}, True

    def draw(self, *shape, scale=1.0, shift=0.0):
        return torch.from_numpy(np.round(shift + scale * self.rand.uniform(-1, 1, shape), 3))

    def param(self, name, *shape, **draw):
        if name not in self.params:
            self.params[name] = self.draw(*shape, **draw).requires_grad_()
        return self.params[name]

    def conv(self, x, name, k, size, stride=1, pad=0):
        c = x.shape[1]
        w = self.param(name + ".w", k, c, size, size, scale=(6 / (c * size * size)) ** 0.5)
        return F.conv2d(x, w, stride=stride, padding=pad)

    def bn(self, x, name, relu=True):
        c = x.shape[1]
        gamma = self.param(name + ".gamma", c, scale=0.3, shift=1)
        beta = self.param(name + ".beta", c, scale=0.2)
        mean, var = name + ".running_mean", name + ".running_var"
        if mean not in self.buffers:
            self.buffers[mean] = self.draw(c, scale=0.2)
            self.buffers[var] = self.draw(c, scale=0.5, shift=1)
        y = F.batch_norm(x, self.buffers[mean], self.buffers[var], gamma, beta, self.train, 0.1, 1e-5)
        return F.relu(y) if relu else y

    def head(self, h):
        h = h.mean((2, 3))
        w = self.param("fc.w", CLASSES, h.shape[1])
        return F.linear(h, w, self.param("fc.b", CLASSES, scale=0.2))


def net_b(n, x):
    h = n.bn(n.conv(x, "conv0", 3, 3, pad=1), "bn0")
    a = n.bn(n.conv(h, "conv1", 4, 3, stride=2, pad=1), "bn1")
    a = n.bn(n.conv(a, "conv2", 4, 3, pad=1), "bn2", relu=False)
    return n.head(F.relu(a + n.bn(n.conv(h, "sc", 4, 1, stride=2), "bnsc", relu=False)))


def net_c(n, x):
    h = n.conv(x, "conv0", 3, 3, pad=1)
    a = n.conv(n.bn(h, "d1.bn1"), "d1.conv1", 4, 1)
    a = n.conv(n.bn(a, "d1.bn2"), "d1.conv2", 2, 3, pad=1)
    h = torch.cat([h, a], 1)
    h = F.avg_pool2d(n.conv(n.bn(h, "t.bn"), "t.conv", 4, 1), 2)
    return n.head(n.bn(h, "bnf"))


def shown(v):
    if isinstance(v, dict):
        return {k: shown(t) for k, t in v.items()}
    if not isinstance(v, torch.Tensor):
        return v
    if v.dim() == 0:
        return float(f"{v.item():.12g}")
    return {"shape": list(v.shape), "data": [float(f"{e:.10g}") for e in v.detach().flatten().tolist()]}


def energy(logits):
    return -torch.logsumexp(logits, 1)


def step(forward, n, x, m_in, m_out, code):
    """One step: everything that a test can compare."""
    x = x.clone().requires_grad_()
    logits = forward(n, x)
    s = energy(logits)
    out = {"logits": logits, "S": s}
    if n.train:
        out["running_after_first_forward"] = shown(n.buffers)
    ce = F.cross_entropy(logits[:ID], torch.tensor(LABELS))
    ls = (F.relu(s[:ID] - m_in) ** 2).mean() + (F.relu(m_out - s[ID:]) ** 2).mean()
    if code:
        x = x.detach().clone().requires_grad_()
        again = energy(forward(n, x))
        out["running_after_second_forward"] = shown(n.buffers)
        j = F.relu(again[ID:] - m_out).mean() - F.relu(m_in - again[:ID]).mean()
    else:
        mask = torch.cat([s[:ID] <= m_in, s[ID:] >= m_out]).double()
        j = (mask * s).sum()
    (g,) = torch.autograd.grad(j, x, create_graph=True)
    squares = (g ** 2).flatten(1).sum(1)
    hit = squares > 0
    norms = torch.where(hit, torch.where(hit, squares, 1).sqrt(), 0)  # no NaN at 0
    lg = norms.mean() if code else (mask[:ID] * norms[:ID]).mean() + (mask[ID:] * norms[ID:]).mean()
    total = ce + 0.1 * ls + lg
    grads = torch.autograd.grad(total, list(n.params.values()))
    out |= {"CE": ce, "L_S": ls, "L_gradS": lg, "total": total, "g_input": g, "g_norms": norms,
            "grad_total": dict(zip(n.params, grads))}
    return {k: shown(v) for k, v in out.items()}


def margins(scores):
    """m_in and m_out between the images' scores; None unless in both modes some
    images of either kind, and not all, are beyond them, and none is close."""
    found = []
    for kind in scores[:, :ID], scores[:, ID:]:
        m = round(kind.flatten().sort()[0][ID - 1:ID + 1].mean().item(), 3)
        if not all(0 < (mode <= m).sum() < len(mode) for mode in kind) or (kind - m).abs().min() < 2e-3:
            return None
        found.append(m)
    return found


def case(forward, seed):
    n = Net(seed)
    x = n.draw(ID + OOD, CHANNELS, SIDE, SIDE)
    n.train = False
    evaluated = energy(forward(n, x))  # draws the operands
    before = {k: v.clone() for k, v in n.buffers.items()}
    n.train = True
    found = margins(torch.stack([evaluated, energy(forward(n, x))]))
    if found is None:
        return case(forward, seed + 1)
    m_in, m_out = found
    out = {"n_id": ID, "n_ood": OOD, "labels": LABELS, "m_in": m_in, "m_out": m_out, "lambda_S": 0.1, "lambda_gradS": 1,
           "x": shown(x), "params": shown(n.params), "buffers": shown(before), "variants": {}}
    for variant in "code_bntrain", "paper_bntrain", "paper_bneval":
        n.buffers = {k: v.clone() for k, v in before.items()}
        n.train = variant.endswith("bntrain")
        out["variants"][variant] = step(forward, n, x, m_in, m_out, variant.startswith("code"))
    return out


cases = {"greg_net_B": case(net_b, 1), "greg_net_C": case(net_c, 2)}
print(json.dumps({"cases": cases}, separators=(",", ":")))
