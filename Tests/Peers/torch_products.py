"""Times the products of `fathom bench kernels` with torch.

Run with `pip install torch`. `fathom bench kernels --against PYTHON` starts it; alone it is

    python torch_products.py '{"m": 512, "k": 512, "n": 512}' --threads 2 --products 100

A timed product is torch.nn.functional.linear of x [m, k] and a weight [n, k], float32, in inference mode.

Prints JSON lines: first what it is, then one line {"seconds": [...]} per round. A round is asked for by its number of
products on a line of standard input, or once by --products; it begins with as many that are not timed.
"""
import argparse
import itertools
import json
import sys
import time

try:
    import torch
except ImportError as error:
    print(json.dumps({"error": f"{error}; `pip install torch` brings it"}), flush=True)
    sys.exit(1)


def timed(x, weight, products):
    """Seconds of each of some products, after as many that are not timed."""
    seconds = []
    for _ in range(2 * products):
        began = time.perf_counter()
        torch.nn.functional.linear(x, weight)
        seconds.append(time.perf_counter() - began)
    return seconds[products:]


def main():
    arguments = argparse.ArgumentParser(description="Times matrix products of torch.")
    arguments.add_argument("product", help='the extents as JSON: {"m": 512, "k": 512, "n": 512}')
    arguments.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments.add_argument("--products", type=int, help="one round of so many; without it rounds come from stdin")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    extents = json.loads(given.product)
    with torch.inference_mode():
        x = torch.rand(extents["m"], extents["k"]) - 0.5
        weight = torch.rand(extents["n"], extents["k"]) - 0.5
        print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
        for line in [given.products] if given.products else itertools.takewhile(str.strip, sys.stdin):
            print(json.dumps({"seconds": timed(x, weight, int(line))}), flush=True)


if __name__ == "__main__":
    main()
