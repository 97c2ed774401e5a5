"""The sections of docs/performance.md, one for each file of results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Result = dict[str, Any]


def table(heads: list[str], rows: Iterable[list[Any]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1)]
    lines += [[str(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measured(result: Result) -> str:
    """The command, and the machine it ran on."""
    machine = result["machine"]
    return (
        f"```text\n{result['command']}\n```\n\n"
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load_1_minute']}, "
        f"commit {machine['commit']}, model {machine['model_sha256'][:8]}, ONNX Runtime "
        f"{machine['packages']['onnxruntime']}."
    )


def stages(result: Result) -> str:
    """Every stage against its floor."""
    rates = result["gflop_s"]
    rows = [
        [
            f"{row['size']} px, {row['name']}",
            f"{row['ms']:.1f}",
            f"{row['floor_ms']:.2f}",
            f"{row['ratio']:.1f}",
            row["bound"],
        ]
        for row in result["stages"]
    ]
    batches = [
        [
            f"{row['crop']} px",
            row["batch"],
            f"{row['ms_each']:.1f}",
            f"{row['wall_ms']:.1f}" if "wall_ms" in row else "",
        ]
        for row in result["batches"]
    ]
    return f"""\
## Stages against their floors

{measured(result)}

Milliseconds of processor time in one thread. A floor is the larger of two times: to move the bytes
that a stage must read and write once, at this machine's copy bandwidth ({result["copy_gb_s"]} GB/s
read and written); and to do its convolutions, at the best rate found here (convolution
{rates["convolution"]}, matrix product {rates["matrix_product"]} GFLOP/s).

{table(["stage", "ms", "floor ms", "ratio", "bound by"], rows)}

Decoding and encoding are far over a floor that counts bytes alone: entropy coding is a computation
for every symbol. Detection and network are convolutions for the most part; the rest of the
network's time, growing with the crop, is the bicubic warp (`GridSample`), which ONNX Runtime does
pixel by pixel: 30 of 64 ms at a crop of 768 px. Alignment and much of the composite are OpenCV's
cubic `warpAffine`.

The network's time a crop hardly depends on how many run together, which is why the service runs
crops side by side on a CPU and joins them on a GPU. The last column is the time on the clock with
every core for one crop, warp included (target: 40 ms at 512 px on 2 cores):

{table(["crop", "batch", "ms a crop, one thread", "ms on the clock"], batches)}
"""


def changes(result: Result) -> str:
    """Before and after."""
    rows = [
        [
            f"{row['size']} px, {row['stage']}",
            f"{row['before_ms']:.1f}",
            f"{row['after_ms']:.1f}",
            f"{row['before_ms'] / row['after_ms']:.2f}",
        ]
        for row in result["rows"]
    ]
    return f"""\
## What the profile changed

{measured(result)}

Processor time of a request's stages in one thread, against commit {result["before"]}:

{table(["stage", "before ms", "after ms", "ratio"], rows)}

- **detect**: YuNet runs in ONNX Runtime instead of OpenCV's `dnn` (640 px: 22.4 -> 9.7 ms), with
  the same rows to 0.0003 px. Large photographs are reduced once, and by whole pixels first.
- **encode**: ISA-L instead of zlib behind the filter `up`: a fifth of the time, smaller files.
- **composite**: masks, blurs and warps only where something changed; dilation in bytes.
- **measure, detect**: a reduction averages the crop's part of the photograph, not all of it.
- **decode**: the time was page faults; the process keeps freed memory (`STOICNET_MEMORY_ARENA`).
"""


def overhead(result: Result) -> str:
    """The whole request against its stages."""
    rows = [
        [f"{row['size']} px", row["whole_ms"], row["stages_ms"], f"{row['ratio']:.3f}"]
        for row in result["rows"]
    ]
    return f"""\
## The whole request against its stages

{measured(result)}

`POST /neutralize` one at a time, from sending the first byte to having the last one, against the
sum of the stages that the same answer reports. Target: at most {result["target"]}.

{table(["photograph", "request ms", "stages ms", "ratio"], rows)}
"""


def rivals(result: Result) -> str:
    """The service beside what one would use instead."""
    rows = result["rows"]
    ours = {row["users"]: row for row in rows if row["server"] == "stoicnet"}
    cells = [
        [
            f"{row['users']} users, {row['server']}",
            f"{row['per_second']:.1f}",
            f"{row['p50_ms']:.0f}",
            f"{row['p95_ms']:.0f}",
            f"{row['p99_ms']:.0f}",
            f"{row['cpu_ms_each']:.0f}",
            f"{ours[row['users']]['per_second'] / row['per_second']:.2f}",
            f"{ours[row['users']]['p99_ms'] / row['p99_ms']:.2f}",
        ]
        for row in sorted(rows, key=lambda row: row["users"])
    ]
    notes = "\n".join(f"- **{name}**: {note}." for name, note in result["servers"].items())
    heads = ["load", "photos/s", "p50 ms", "p95 ms", "p99 ms", "CPU ms each"]
    heads += ["our throughput / theirs", "our p99 / theirs"]
    busiest = [row for row in rows if row["users"] == max(ours)]
    least = min(row["cpu_ms_each"] for row in busiest)
    cores = result["machine"]["cores"]
    wanted = result["targets"]["litserve at 32 users"] * max(
        row["per_second"] for row in busiest if row["server"].startswith("litserve")
    )
    return f"""\
## Against what one would use instead

{measured(result)}

All run the same fused graph, YuNet, crop, composite and PNG encoder, taken from this package, and
their answers are {result["answers"]}. So every rival has the gains above, and the
ratios show the serving alone. The service does more for an answer than they do: it reads the
expression before and after (about 5 ms at 512 px), hashes input and output, and keeps its metrics.

{notes}

Locust sends 512, 880 and 1600 px photographs (8 : 2 : 2), each user pausing an exponential time of
50 ms on average; Locust itself takes its share of the same cores. Medians over rounds in which the
servers take turns. Targets with 32 users: at least {result["targets"]["litserve at 32 users"]} of
LitServe's throughput at no worse a p99, and {result["targets"]["plain handler at 32 users"]} of the
plain handler's.

{table(heads, cells)}

What bounds them all is processor time in the same kernels: the leanest needs {least:.0f} ms a
photograph under the heaviest load, so that {cores} cores cannot do more than
{cores * 1000 / least:.1f} a second, however they are served; the target of
{wanted:.1f} is beyond what the cores can do. The service's further milliseconds are the meter and
the hashes. Its graphs are loaded twice, with all threads for a lone photograph and with one each
for several at a time.
"""


def int8(result: Result) -> str:
    """The quantized network."""
    return f"""\
## int8 on the CPU

```text
python -m model_training export int8 --photos DIR --report docs/performance/int8.json
```

Static quantization of the convolutions inside the U-Net, calibrated on half of the photographs and
compared on the other {result["crops"]}: {result["before_ms"]:.1f} -> {result["after_ms"]:.1f} ms a
crop in one thread, {result["mean"]:.2f} grey levels of difference on average, at most
{result["largest"]}, one pixel in a thousand over {result["p999"]:.0f}. It is not what ships: the
warp and the blending stay in float32 and take as long as before.
"""


def rates(result: Result) -> str:
    """Training steps of every stage, in both precisions; stands in docs/training.md."""
    rows = []
    for row in result["rows"]:
        both = "bfloat16" in row
        gain = f"{row['bfloat16'] / row['float32']:.2f}" if both else ""
        low = row["bfloat16"] if both else ""
        rows.append([row["stage"], row["images"], row["float32"], low, gain, row["auto"]])
    heads = ["stage", "images a step", "float32, images/s", "bfloat16, images/s", "times as fast"]
    note = f" {result['note']}" if result["note"] else ""
    return f"""\
{measured(result)}{note}

{table([*heads, "`auto` takes"], rows)}

`auto` said: {result["auto"]}.
"""


def gpu(result: Result) -> str:
    """The graph on a GPU."""
    rows = [
        [
            f"{row['provider'].removesuffix('ExecutionProvider')}, {row['precision']}, "
            f"{row['side']} px, batch {row['batch']}",
            row["ms_each"],
            row["per_second"],
            row["largest_difference"],
        ]
        for row in result["rows"]
    ]
    heads = ["run", "ms a crop", "crops/s", "largest difference to the CPU"]
    return f"## On a GPU\n\n{measured(result)}\n\n{table(heads, rows)}\n"
