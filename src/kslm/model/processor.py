"""Which arithmetic this machine can really do.

Some virtual machines announce AMX, the processor's matrix unit, and then kill the process at its first AMX instruction.
Libraries believe the announcement, so the announcement is tried out in a child process. Where it is false, oneDNN is
told to leave AMX alone, before its first use; child processes inherit that.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache

import psutil
import torch

PROBE = "import torch; a = torch.ones(64, 64, dtype=torch.bfloat16); torch.nn.functional.linear(a, a)"
PROBE_SECONDS = 120
ISA = "ONEDNN_MAX_CPU_ISA"
WITHOUT_AMX = "AVX512_CORE_BF16"


@cache
def prepare_cpu() -> bool:
    """Make torch safe to use on this CPU; call it before the first matrix product of a process.

    Returns:
        Whether the CPU multiplies bfloat16 in a matrix unit. Without one bfloat16 is no faster than float32.
    """
    if not torch.cpu.get_capabilities().get("amx_bf16"):
        return False
    if ISA in os.environ:
        return "AMX" in os.environ[ISA]
    try:
        probe = [sys.executable, "-c", PROBE]
        works = subprocess.run(probe, check=False, timeout=PROBE_SECONDS, capture_output=True).returncode == 0
    except subprocess.TimeoutExpired:
        works = False
    os.environ[ISA] = "AVX512_CORE_AMX" if works else WITHOUT_AMX
    return works


def use_threads(threads: int) -> None:
    """Compute with so many; 0 means all this process may use, unless OMP_NUM_THREADS says otherwise."""
    if threads or "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(threads or len(psutil.Process().cpu_affinity()))


def processor_name() -> str:
    """What computes: the GPU's name, or else the CPU's."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return str(torch.cpu.get_capabilities().get("cpu_name") or platform.machine())


def uses_bf16(precision: str) -> bool:
    """Whether to compute in bfloat16: asked for, or "auto" where the device multiplies it in hardware.

    Args:
        precision: "bf16", "fp32" or "auto".
    """
    fast = prepare_cpu()
    if precision != "auto":
        return precision == "bf16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return fast
