"""Losses of `photo`: what is known of a pair's geometry. Every loss is a scalar mean.

Motion is taught as displacements. Differences between pictures do not teach it: they are smallest
for a mouth that is painted over, and a frown that is moved a little in the wrong place costs more
than one that is not moved.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model_training.photo.network import (
    CROP_SIZE,
    LINE_REACH,
    MAP_STEP,
    WINDOW_SIZE,
    PhotoMaps,
)
from model_training.photo.render import darken, enlarge, fetch

_USUAL_MOVEMENT, _NO_MOVEMENT = 2.0, 0.2
"""Root mean square displacement of a synthetic pair's window, and what is none, in pixels."""
_FAR = 0.06
"""Displacement (`grid_sample` units; 6 px) up to which its error counts squared."""
TUCK, TUCK_DEPTH = 1.4, 2.5
"""Pixels by which an open mouth's inner lips are fetched inside the lip, so that no tooth comes
along, and the distance from the line over which that fades."""
_INSIDE, _OUTSIDE = 13.0, 2.0
"""Pixels from the corners of the mouth: further inside lips are surely lips (a smile is wider than
the mouth will be), further outside the layers have to agree. Both begin gently."""
_LOST = 4.0
"""Pixels off at which lips that do not meet count half: a hand or a wrong landmark is no lip."""
_LINE_COUNTS, _LIPS = 6.0, 5.0
"""What the lips' edges count beside the face around them, and how far that reaches, in pixels: an
error of two pixels there is a sliver of tooth."""
_AWAY, _BESIDE = 11, 2
"""Values of the maps around what is known beyond which nothing is to move, and to be darkened."""
_SEAM, _BROAD = 2.5, 9
"""Pixels from the lip line within which the dark line is compared; pixels of the window over which
faces are made equally bright there: shade on lips is not the line's."""


def region_weights(device: torch.device | None = None) -> Tensor:
    """[1, 1, 128, 128]: mouth and eyes count more, because expression lives there.

    Centres follow the crop contract: eyes at 0.44 S, the mouth about one inter-ocular distance
    below.
    """
    side = CROP_SIZE // MAP_STEP
    line = (torch.arange(side, dtype=torch.float32, device=device) + 0.5) / side
    y, x = torch.meshgrid(line, line, indexing="ij")

    def blob(cx: float, cy: float, rx: float, ry: float) -> Tensor:
        return torch.exp(-(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2))

    weights = 1 + 3 * blob(0.5, 0.735, 0.21, 0.14) + 1.5 * blob(0.5, 0.41, 0.275, 0.125)
    for eye in (0.365, 0.635):  # lids are narrow and move little
        weights = weights + 4 * blob(eye, 0.44, 0.09, 0.05)
    return weights[None, None]


def movement_balance(true: Tensor, regions: Tensor) -> Tensor:
    """[B, 1, 1, 1]: what each sample's displacements count; arguments as of `displacement`."""
    trust = true[:, 2:] * regions
    square = (true[:, :2].square().sum(1, keepdim=True) * trust).sum((1, 2, 3), keepdim=True)
    movement = (square / trust.sum((1, 2, 3), keepdim=True).clamp_min(1e-6)).sqrt()
    weight = (_USUAL_MOVEMENT / movement.clamp_min(1e-6)).square().clamp(0.5, 4.0)
    return torch.where(movement < _NO_MOVEMENT, torch.ones_like(weight), weight)


def tucked(true: Tensor, line: Tensor, opening: Tensor) -> Tensor:
    """The known flow, a little further into the lips where the mouth is open.

    Args:
        true: see `displacement`.
        line: see `displacement`.
        opening: [B, 1, h, w] in [0, 1], where in the input one looks into the mouth.
    """
    depth = TUCK * torch.exp(-((line / TUCK_DEPTH) ** 2)) * torch.sign(line)
    opened = (opening.mean((1, 2, 3), keepdim=True) * 500).clamp(0, 1)
    shifted = true.clone()
    shifted[:, 1:2] += depth * opened
    return shifted


def displacement(
    maps: PhotoMaps, true: Tensor, line: Tensor, aside: Tensor, regions: Tensor
) -> Tensor:
    """Distance of both flows from the known one, each on its side of the lip line.

    Squared up to a few pixels: the absolute distance has its best guess at the median, which is
    not to move as long as a frown is less than certain. A square makes a brow's 1.5 px a sixteenth
    of a shout's 6, so each sample is weighed by the inverse of its own movement's, within limits.
    Beyond the corners of the mouth both layers are told the same, so that no seam runs over the
    cheek.

    Args:
        maps: of the pairs.
        true: [B, 3, h, w], x and y in pixels of the window, and trust.
        line: [B, 1, h, w], signed distance to the lip line in pixels of the window.
        aside: [B, 1, h, w], how far beyond the corners of the mouth, in pixels; inside negative.
        regions: [1, 1, h, w], what each place counts.
    """
    wanted = true[:, :2] * (2.0 / WINDOW_SIZE)
    away = beyond_corners(aside)
    weight = true[:, 2:] * regions * movement_balance(true, regions)
    weight = weight * (1 + _LINE_COUNTS * torch.exp(-((line / _LIPS) ** 2)) * (1 - away))
    under = (line > 0).float()
    total = true.new_zeros(())
    for flow, own in ((maps.upper, 1 - under), (maps.lower, under)):
        error = F.smooth_l1_loss(flow, wanted, reduction="none", beta=_FAR)
        total = total + (error * weight * torch.maximum(own, away)).mean()
    return total


def beyond_corners(aside: Tensor) -> Tensor:
    """[B, 1, h, w] in [0, 1]: columns in which the layers have to agree."""
    return ((aside - _OUTSIDE) / 8).clamp(0, 1)


def stillness(maps: PhotoMaps, true: Tensor) -> Tensor:
    """Change beside any skin that is known: hair, ears and background stay.

    Motion may run out over some pixels, or it would tear.
    """
    known = true[:, 2:]
    far, beside = (1 - F.max_pool2d(known, 2 * by + 1, 1, by) for by in (_AWAY, _BESIDE))
    moved = (maps.upper.abs() + maps.lower.abs()).mean(1, keepdim=True)
    return (moved * far).mean() + (maps.crease * beside).mean()


def agreement(maps: PhotoMaps, aside: Tensor) -> Tensor:
    """Difference of the layers beyond the corners of the mouth, in `grid_sample` units."""
    return ((maps.upper - maps.lower).abs() * beyond_corners(aside)).mean()


def roughness(maps: PhotoMaps) -> Tensor:
    """Mean absolute change of both flows from one pixel of the window to the next."""
    flows = torch.cat([maps.upper, maps.lower], 1)
    return total_variation(flows) / MAP_STEP


def total_variation(maps: Tensor) -> Tensor:
    """Mean absolute change of maps [B, C, h, w] between neighbours."""
    across = (maps[..., 1:] - maps[..., :-1]).abs().mean()
    return across + (maps[..., 1:, :] - maps[..., :-1, :]).abs().mean()


def line_error(found: Tensor, line: Tensor, aside: Tensor, sure: Tensor) -> Tensor:
    """Distance of the signed distances to the lip line, mostly where the mouth is, in pixels.

    Args:
        found: [B, 1, h, w].
        line: see `displacement`.
        aside: see `displacement`.
        sure: [B, 1, 1, 1], what each sample counts.
    """
    near = (line.abs() < LINE_REACH).float() * (1 - beyond_corners(aside))
    wanted = line.clamp(-LINE_REACH, LINE_REACH)
    return ((found - wanted).abs() * (0.1 + near) * sure).mean()


def opening_error(found: Tensor, opening: Tensor) -> Tensor:
    """Cross entropy of where one looks into the mouth; the few inside pixels count more."""
    entropy = F.binary_cross_entropy(found.clamp(1e-4, 1 - 1e-4), opening, reduction="none")
    return (entropy * (1 + 4 * opening)).mean()


def crease_error(
    maps: PhotoMaps,
    neutral: Tensor,
    expressive: Tensor,
    true: Tensor,
    line: Tensor,
    aside: Tensor,
) -> Tensor:
    """Difference from the neutral face at the line between the lips, when the true motion is done.

    Every pixel counts for itself: how dark and how sharp that line is depends on how sharp the
    photograph is.

    Args:
        maps: of the pairs.
        neutral: [B, 3, H, W], windows of the targets.
        expressive: the same of the inputs.
        true: see `displacement`.
        line: see `displacement`.
        aside: see `displacement`.
    """
    side = neutral.shape[-1]
    # Not interpolated: between the layers' motions lie the teeth.
    flow = F.interpolate(true[:, :2] * (2.0 / WINDOW_SIZE), size=(side, side), mode="nearest")
    output = darken(fetch(expressive, flow), maps.crease, line) + 1
    wanted = neutral + 1

    def broad(picture: Tensor) -> Tensor:
        return F.avg_pool2d(picture, _BROAD, 1, _BROAD // 2, count_include_pad=False) + 0.05

    shade = (broad(wanted) / broad(output)).detach().clamp(0.5, 2.0)
    seam = torch.exp(-((line / _SEAM) ** 2)) * (1 - beyond_corners(aside))
    return ((output * shade - wanted).abs() * enlarge(seam * true[:, 2:], side)).mean()


def lips_meet(maps: PhotoMaps, lips: Tensor, aside: Tensor) -> Tensor:
    """How far from the inner lips the layers fetch what they show at the line, in pixels.

    Of a photograph without a neutral partner this is known all the same: wherever the line is, the
    upper layer shows the upper lip's edge there, and the lower layer the lower lip's. Only for a
    network that knows the line: before, every place counts as the line.

    Args:
        maps: of photographs with landmarks.
        lips: [B, 2, h, w], how far below the upper and the lower inner lip a place of the input
            lies, in pixels of the window.
        aside: [B, 1, h, w], how far beyond the corners of the mouth, in pixels; inside negative.
    """
    middle = ((-aside - _INSIDE) / 4).clamp(0, 1)
    line = maps.line.detach()
    near = torch.exp(-((line / 2) ** 2)) * middle
    opened = (lips[:, :1] - lips[:, 1:]).amax((1, 2, 3), keepdim=True).clamp(0, 4) / 4
    total = lips.new_zeros(())
    for flow, edge, side in ((maps.upper, lips[:, :1], -1.0), (maps.lower, lips[:, 1:], 1.0)):
        # At a place below the line by d, the lower layer shows what is d below its lip's edge.
        wanted = line + side * TUCK * opened
        error = F.smooth_l1_loss(fetch(edge, flow), wanted, reduction="none", beta=2.0)
        error = error / (1 + error / _LOST)
        total = total + (error * near).sum() / near.sum().clamp_min(1.0)
    return total
