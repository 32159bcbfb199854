"""The processors that are emulated: one for each way in which phones' arm64 multiplies int8 numbers."""

from __future__ import annotations

from dataclasses import dataclass

from pocketformer.errors import RecipeError

__all__ = ["DEFAULT_PROCESSORS", "PROCESSORS", "Processor", "processor_named"]


@dataclass(frozen=True, slots=True)
class Processor:
    """A processor as QEMU emulates it, and as Linux on it describes it.

    Attributes:
        name: As a person asks for it.
        option: What QEMU's `-cpu` is given.
        part: Arm's number of the core, by which XNNPACK chooses among its kernels.
        features: What `/proc/cpuinfo` lists.
        phones: Which phones have such cores.
    """

    name: str
    option: str
    part: int
    features: str
    phones: str

    @property
    def cpuinfo(self) -> str:
        """The text of `/proc/cpuinfo` of a machine with one such core."""
        return (
            "processor\t: 0\nBogoMIPS\t: 38.40\n"
            f"Features\t: {self.features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
            f"CPU variant\t: 0x0\nCPU part\t: {self.part:#x}\nCPU revision\t: 4\n\n"
        )


_V8_0 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
_V8_2 = f"{_V8_0} atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"
_V9_0 = f"{_V8_2} sve sve2 i8mm bf16 jscvt fcma ilrcpc flagm ssbs sb"

PROCESSORS = (
    Processor(
        "cortex-a53", "cortex-a53", 0xD03, _V8_0, "64-bit phones up to about 2018, and low-end ones since"
    ),
    Processor("cortex-a76", "cortex-a76", 0xD0B, _V8_2, "most phones since about 2019: with dot products"),
    # Without SME, which no core of Armv9.0 has, and in which QEMU 7.2 multiplies int8 wrongly; vectors of
    # 128 bits, as phones have them.
    Processor(
        "armv9",
        "max,sme=off,sve-default-vector-length=16",
        0xD47,
        _V9_0,
        "better phones since about 2022: with matrix products (i8mm) and SVE2",
    ),
)

DEFAULT_PROCESSORS = tuple(processor.name for processor in PROCESSORS)


def processor_named(name: str) -> Processor:
    """Return the processor called `name`.

    Raises:
        RecipeError: There is none.
    """
    for processor in PROCESSORS:
        if processor.name == name:
            return processor
    raise RecipeError(f"There is no processor {name!r}; emulated are: {', '.join(DEFAULT_PROCESSORS)}.")
