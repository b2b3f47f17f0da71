#!/usr/bin/env python3
"""Times gradgrad and PyTorch alternately on the same cases and prints the ratios.

  python3 scripts/bench_peer.py --peer ../shared/bench/peer_torch.py --python PYTHON_WITH_TORCH
      [--arch wrn-40-2,resnet18,densenet101] [--cases infer,ce,energy,greg,greg-ref] [--rounds 3] [--threads 2]

The peer is any program that takes --arch, --cases, --threads, --steps and --channels-last and prints a JSON line
a case with the keys case, arch and images_per_s. Each round runs ours, then the peer in both of its layouts with
and without large malloc thresholds; the peer's figure of a round is the best of these four. Ratios are taken round
by round, so that a machine whose speed drifts does not decide.
"""
import argparse, json, os, statistics, subprocess, sys

MALLOC = {"MALLOC_MMAP_THRESHOLD_": "8589934592", "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_TOP_PAD_": "1073741824"}


def lines(command, env=None):
    """Runs a command and returns its JSON lines."""
    out = subprocess.run(command, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, text=True, check=True).stdout
    return [json.loads(l) for l in out.splitlines() if l.startswith("{")]


def rates(rows):
    return {(r["arch"], r["case"]): r["images_per_s"] for r in rows if "images_per_s" in r and "arch" in r}


def peer_best(a, arch, case):
    """The best of two layouts, each with and without tuned malloc; fast takes the combination that usually wins."""
    layouts, envs = ([], ["--channels-last"]), ({}, MALLOC)
    if a.fast:
        layouts, envs = (layouts[:1] if case.startswith("greg") else layouts[1:]), envs[1:]
    best = 0.0
    for layout in layouts:
        for env in envs:
            got = rates(lines([a.python, a.peer, "--arch", arch, "--cases", case, "--threads", str(a.threads),
                               "--steps", str(a.steps)] + layout, env))
            best = max(best, got.get((arch, case), 0.0))
    return best


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ours", default="build/cifar", help="the built program (go build -o build/cifar ./cmd/cifar)")
    p.add_argument("--peer", default="../shared/bench/peer_torch.py")
    p.add_argument("--python", default=sys.executable, help="a Python with PyTorch")
    p.add_argument("--arch", default="wrn-40-2,resnet18,densenet101")
    p.add_argument("--cases", default="infer,ce,energy,greg,greg-ref")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--steps", type=int, default=3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--fast", action="store_true", help="only the layout that is known to be better for the case, and tuned malloc")
    a = p.parse_args()
    print(f"{'arch':12} {'case':9} {'ours':>8} {'peer':>8}  ratio (median, min..max of {a.rounds} rounds)")
    for arch in a.arch.split(","):
        for case in a.cases.split(","):
            ours, peer = [], []
            for _ in range(a.rounds):
                row = lines([a.ours, "bench", "-arch", arch, "-cases", case, "-steps", str(a.steps)], {"GOMAXPROCS": str(a.threads)})
                ours.append(rates(row)[(arch, case)])
                peer.append(peer_best(a, arch, case))
            both = [(o, q) for o, q in zip(ours, peer) if q > 0]  # the peer may have failed in a round
            ratio = [o / q for o, q in both]
            if not ratio:
                print(f"{arch:12} {case:9} {statistics.median(ours):8.1f} {'failed':>8}")
                continue
            print(f"{arch:12} {case:9} {statistics.median(o for o, _ in both):8.1f} {statistics.median(q for _, q in both):8.1f}  "
                  f"{statistics.median(ratio):.2f} ({min(ratio):.2f}..{max(ratio):.2f})"
                  + (f", {len(both)} of {a.rounds} rounds" if len(both) < a.rounds else ""), flush=True)


if __name__ == "__main__":
    main()
