"""The label of a device: a QR code with the code for its owner, and the same in words."""

import html
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# QR codes as SVG and PNG, without any other library.
import segno

_SCALE: Final = 4
_PNG_SCALE: Final = 8
_QUIET: Final = 4  # modules of white that readers want around it
_LINE: Final = 20
_WIDTH: Final = 260


@dataclass(frozen=True)
class Label:
    """What is on it; `desk` is where an owner goes with it."""

    device: str
    product: str
    code: str
    desk: str

    @property
    def url(self) -> str:
        """What the QR code says: the part behind # is never sent to a server, nor logged there."""
        return f"{self.desk.rstrip('/')}/claim#{self.device}.{self.code}"

    @property
    def lines(self) -> tuple[str, ...]:
        """What people read."""
        device = "-".join(self.device[at : at + 4] for at in range(0, 16, 4))
        return self.product, f"device {device}", f"code {self.code}"


def draw_svg(label: Label) -> str:
    """The whole label."""
    code = _qr(label)
    size = code.symbol_size(scale=_SCALE, border=_QUIET)[0]
    width, height = max(size, _WIDTH), size + _LINE * (len(label.lines) + 1)
    inner = code.svg_inline(scale=_SCALE, border=_QUIET)
    texts = "".join(
        f'<text x="{_QUIET * _SCALE}" y="{size + _LINE * (place + 1)}" '
        f'font-family="monospace" font-size="14">{html.escape(line)}</text>'
        for place, line in enumerate(label.lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<rect width="100%" height="100%" fill="white"/>{inner}{texts}</svg>\n'
    )


def draw_text(label: Label, with_code: bool) -> str:
    """For a terminal: the words, and the QR code above them where it can be seen."""
    drawn = io.StringIO()
    if with_code:
        _qr(label).terminal(out=drawn, compact=True)
    return drawn.getvalue() + "\n".join(label.lines)


def write_label(folder: Path, label: Label) -> list[Path]:
    """DEVICE.svg, the whole label, and DEVICE.png, its QR code; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn, picture = folder / f"{label.device}.svg", folder / f"{label.device}.png"
    drawn.write_text(draw_svg(label))
    _qr(label).save(str(picture), scale=_PNG_SCALE, border=_QUIET)
    return [drawn, picture]


def _qr(label: Label) -> segno.QRCode:
    return segno.make(label.url, error="m", micro=False)
