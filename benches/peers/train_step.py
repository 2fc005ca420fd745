"""A training step of NN4, and mining in a large batch, in PyTorch with pytorch-metric-learning.

    python -m venv peers && peers/bin/pip install torch pytorch-metric-learning
    env -u OPENBLAS_CORETYPE peers/bin/python benches/peers/train_step.py --threads 2

The network is that of `facenet model table nn4`: convolutions with bias and ReLU, local response normalisation, max and
L2 pooling, 96 x 96 pixels; with `--norm` every convolution has batch normalisation instead of a bias (`nn4-bn`).
"""

import argparse
import json
import platform
import resource
import time

import pytorch_metric_learning
import torch
from pytorch_metric_learning import distances, losses, miners
from torch import nn


class Conv(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride=1, norm=False):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=not norm)
        self.norm = nn.BatchNorm2d(outputs) if norm else nn.Identity()

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class Pool(nn.Module):
    """The maximum, or the L2 norm, of 3 x 3 windows padded by one."""

    def __init__(self, kind, stride):
        super().__init__()
        self.kind, self.stride = kind, stride

    def forward(self, x):
        if self.kind == "max":
            return nn.functional.max_pool2d(x, 3, self.stride, 1)
        sums = 9 * nn.functional.avg_pool2d(x * x, 3, self.stride, 1)
        return torch.sqrt(sums + 1e-12)


class Inception(nn.Module):
    def __init__(self, inputs, one, three, five, pool, stride, norm):
        super().__init__()
        kind, projection = pool
        self.branches = nn.ModuleList()
        if one:
            self.branches.append(Conv(inputs, one, 1, norm=norm))
        for kernel, branch in ((3, three), (5, five)):
            if branch:
                reduce, filters = branch
                reduced = Conv(inputs, reduce, 1, norm=norm)
                self.branches.append(nn.Sequential(reduced, Conv(reduce, filters, kernel, stride, norm)))
        pooled = [Pool(kind, stride)]
        if projection:
            pooled.append(Conv(inputs, projection, 1, norm=norm))
        self.branches.append(nn.Sequential(*pooled))
        outputs = [one, three[1], five and five[1], projection or inputs]
        self.outputs = sum(o for o in outputs if o)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


MODULES = [
    (64, (96, 128), (16, 32), ("max", 32), 1),
    (64, (96, 128), (32, 64), ("l2", 64), 1),
    (None, (128, 256), (32, 64), ("max", None), 2),
    (256, (96, 192), (32, 64), ("l2", 128), 1),
    (224, (112, 224), (32, 64), ("l2", 128), 1),
    (192, (128, 256), (32, 64), ("l2", 128), 1),
    (160, (144, 288), (32, 64), ("l2", 128), 1),
    (None, (160, 256), None, ("max", None), 2),
    (384, (192, 384), None, ("l2", 128), 1),
    (384, (192, 384), None, ("max", 128), 1),
]


class Nn4(nn.Module):
    def __init__(self, norm):
        super().__init__()
        layers = [
            Conv(3, 64, 7, 2, norm),
            Pool("max", 2),
            nn.LocalResponseNorm(5),
            Conv(64, 64, 1, norm=norm),
            Conv(64, 192, 3, norm=norm),
            nn.LocalResponseNorm(5),
            Pool("max", 2),
        ]
        channels = 192
        for one, three, five, pool, stride in MODULES:
            module = Inception(channels, one, three, five, pool, stride, norm)
            channels = module.outputs
            layers.append(module)
        self.features = nn.Sequential(*layers)
        self.embedding = nn.Linear(channels, 128)

    def forward(self, x):
        return nn.functional.normalize(self.embedding(self.features(x).mean((2, 3))))


def median_seconds(work, runs):
    work()
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return sorted(taken)[len(taken) // 2]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--norm", action="store_true")
    parser.add_argument("--only", choices=["step", "mining"])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    distance = distances.LpDistance(power=2)
    miner = miners.TripletMarginMiner(margin=0.2, type_of_triplets="semihard", distance=distance)
    report = {
        "torch": torch.__version__,
        "pytorch_metric_learning": pytorch_metric_learning.__version__,
        "python": platform.python_version(),
        "threads": args.threads,
    }

    if args.only != "mining":
        network = Nn4(args.norm)
        loss = losses.TripletMarginLoss(margin=0.2, distance=distance)
        optimiser = torch.optim.Adagrad(network.parameters(), lr=1e-6)
        images = torch.randn(32, 3, 96, 96)
        labels = torch.arange(32) // 4

        def step():
            optimiser.zero_grad()
            embeddings = network(images)
            loss(embeddings, labels, miner(embeddings, labels)).backward()
            optimiser.step()

        seconds = median_seconds(step, 8)
        report["weights"] = sum(p.numel() for n, p in network.named_parameters() if p.dim() > 1)
        report["step_seconds"] = seconds
        report["step_images_per_second"] = 32 / seconds
        report["step_peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    if args.only != "step":
        rows = torch.sin((torch.arange(1800)[:, None] * 7919 + torch.arange(128) * 104_729) * 0.618)
        rows = nn.functional.normalize(rows)
        people = torch.arange(1800) // 40
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        # One run is enough: it compares all triplets of the batch and takes seconds and gigabytes.
        with torch.no_grad():
            start = time.perf_counter()
            mined = miner(rows, people)
            report["mining_seconds"] = time.perf_counter() - start
        report["mined_triplets"] = len(mined[0])
        report["mining_peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        report["mining_peak_before_mib"] = before
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
