"""What to use instead of a function of NumPy's that has no derivative here.

Every name in a hint exists, and what it says keeps the gradient where there is one.
"""

from __future__ import annotations

_REAL = "A Tensor is real: use it as it is."
_COMPLEX = (
    "There are no complex numbers here; a transform of real numbers is a product with a matrix of "
    "cosines or sines, by @."
)
_EIG = "Use micrograd.linalg.eigh, which is for symmetric matrices."
_NAN = "Replace nan first, as in micrograd.where(np.isnan(x), 0.0, x), or use micrograd.nansum."
_QUANTILE = "Use micrograd.median, or take elements of micrograd.sort(x) by their index."
_SETS = "Find the elements by x.data, and index x with their places."
_WRITES = "Use x.at[index].set(value), which gives a changed copy with its gradients."
_INTEGERS = "It is for integers and truth values, which have no gradient."
_ROUNDING = "It is about rounding, which has no gradient."
_JOINED = "Use micrograd.concatenate, or micrograd.stack for a new axis."
_SLIDING = "Add up products with slices of x, or use micrograd.conv2d for pictures."
_POLYNOMIAL = "Use Horner's rule, as in y = y * x + c for each coefficient c."
_CENTERED = "Compute it from d = x - x.mean(1, keepdims=True), as d @ d.T / (n - 1)."
_FILES = "A file holds no gradient: give x.data, or use micrograd.saving.save."

HINTS: dict[str, str] = {
    **dict.fromkeys(("np.real", "np.real_if_close", "np.conjugate"), _REAL),
    "np.imag": "A Tensor is real: its imaginary part is 0.",
    "np.angle": "A Tensor is real: use micrograd.where(x < 0, np.pi, 0.0).",
    **{
        f"np.fft.{name}": _COMPLEX
        for kind in ("fft", "rfft", "hfft")
        for way in ("{}", "i{}")
        for name in (way.format(kind), *(f"{way.format(kind)}{n}" for n in "2n"))
    },
    "np.fft.fftshift": "Use micrograd.roll.",
    "np.fft.ifftshift": "Use micrograd.roll.",
    # Linear algebra
    **dict.fromkeys(("np.linalg.eig", "np.linalg.eigvals"), _EIG),
    "np.linalg.cond": (
        "Divide the largest of micrograd.linalg.svdvals(a) by the smallest: s[..., 0] / s[..., -1]."
    ),
    "np.linalg.lstsq": "Use micrograd.linalg.pinv(a) @ b, which is the same solution.",
    "np.linalg.tensorsolve": "Reshape to matrices, and use micrograd.linalg.solve.",
    "np.linalg.tensorinv": "Reshape to a matrix, and use micrograd.linalg.inv.",
    "np.linalg.vector_norm": "Use micrograd.linalg.norm, with axis=.",
    "np.linalg.matrix_norm": "Use micrograd.linalg.norm, with axis=(-2, -1).",
    **dict.fromkeys(("np.linalg.vecdot", "np.vecdot"), "Use (a * b).sum(-1)."),
    "np.matvec": "Use (a @ x[..., None])[..., 0].",
    "np.vecmat": "Use (x[..., None, :] @ a)[..., 0, :].",
    # Reductions
    **dict.fromkeys(
        (
            *("np.nanmean", "np.nanstd", "np.nanvar", "np.nanmax", "np.nanmin", "np.nanprod"),
            *("np.nancumsum", "np.nancumprod"),
        ),
        _NAN,
    ),
    **dict.fromkeys(
        (
            *("np.percentile", "np.quantile", "np.nanpercentile", "np.nanquantile"),
            *("np.nanmedian", "np.partition"),
        ),
        _QUANTILE,
    ),
    "np.cumulative_sum": "Use micrograd.cumsum.",
    "np.cumulative_prod": "Use micrograd.cumprod.",
    **dict.fromkeys(("np.cov", "np.corrcoef"), _CENTERED),
    **dict.fromkeys(
        ("np.trapezoid", "np.trapz"), "Use ((y[1:] + y[:-1]) / 2 * micrograd.diff(x)).sum()."
    ),
    "np.gradient": "Use micrograd.diff, or differences of slices as in (x[2:] - x[:-2]) / 2.",
    "np.ediff1d": "Use micrograd.diff(micrograd.ravel(x)).",
    **dict.fromkeys(("np.convolve", "np.correlate"), _SLIDING),
    "np.lib.stride_tricks.sliding_window_view": (
        "Index x with np.arange(n)[:, None] + np.arange(width), or use micrograd.im2col for "
        "pictures."
    ),
    "np.interp": (
        "Find the places with i = np.searchsorted(xp, x.data) - 1, and compute "
        "fp[i] + (x - xp[i]) * (fp[i + 1] - fp[i]) / (xp[i + 1] - xp[i])."
    ),
    **dict.fromkeys(
        ("np.polyval", "np.poly", "np.polyadd", "np.polysub", "np.polymul", "np.polydiv"),
        _POLYNOMIAL,
    ),
    "np.polyfit": "Use micrograd.linalg.pinv(x[:, None] ** np.arange(n)) @ y.",
    "np.linspace": "Use a + (b - a) * np.linspace(0.0, 1.0, n).",
    "np.logspace": "Use 10.0 ** (a + (b - a) * np.linspace(0.0, 1.0, n)).",
    "np.geomspace": "Use a * (b / a) ** np.linspace(0.0, 1.0, n).",
    **dict.fromkeys(
        ("np.diag_indices_from", "np.tril_indices_from", "np.triu_indices_from"),
        "Use np.diag_indices(n), np.tril_indices(n) or np.triu_indices(n), with n = len(x).",
    ),
    "np.vander": "Use x[:, None] ** np.arange(n).",
    "np.roots": "A polynomial's roots have no derivative here; refine one by Newton's method.",
    "np.apply_along_axis": "Compute with whole arrays, and name the axis, as in x.sum(axis=1).",
    "np.apply_over_axes": "Give several axes at once, as in micrograd.sum(x, axis=(0, 2)).",
    # Choosing
    **dict.fromkeys(("np.select", "np.piecewise", "np.choose"), "Use micrograd.where, nested."),
    **dict.fromkeys(("np.extract", "np.compress"), "Index with the mask, as in x[mask]."),
    "np.trim_zeros": "Find the ends by x.data, and slice x.",
    **dict.fromkeys(
        (
            *("np.unique", "np.unique_all", "np.unique_counts", "np.unique_inverse"),
            *("np.unique_values", "np.intersect1d", "np.setdiff1d", "np.setxor1d", "np.union1d"),
        ),
        _SETS,
    ),
    "np.bincount": "Use micrograd.at(np.zeros(n))[indices].add(weights).",
    **dict.fromkeys(
        ("np.histogram", "np.histogram2d", "np.histogramdd", "np.histogram_bin_edges"),
        "Counts have no derivative.",
    ),
    # Shape
    **dict.fromkeys(("np.append", "np.insert", "np.block", "np.r_", "np.c_"), _JOINED),
    "np.delete": "Index with what is kept, as in x[np.arange(len(x)) != i].",
    "np.dsplit": "Use micrograd.split(x, parts, axis=2).",
    "np.rollaxis": "Use micrograd.moveaxis.",
    "np.unstack": "Use list(x).",
    "np.resize": "Use micrograd.tile, and cut it with a slice.",
    "np.broadcast_arrays": "Use micrograd.broadcast_to for each of them.",
    "np.copy": "A result is never written into, so x itself will do.",
    "np.diagflat": "Use micrograd.diag(micrograd.ravel(x)).",
    "np.fix": "Use micrograd.trunc.",
    "np.unwrap": "Find the turns by x.data, and add them to x.",
    "np.i0": "Define it with micrograd.define_op.",
    "np.full_like": "Use micrograd.broadcast_to(value, x.shape).",
    # Writing into an array
    **dict.fromkeys(
        (
            *("np.copyto", "np.put", "np.place", "np.putmask", "np.fill_diagonal"),
            "np.put_along_axis",
        ),
        _WRITES,
    ),
    **dict.fromkeys(("np.save", "np.savez", "np.savez_compressed", "np.savetxt"), _FILES),
    # Functions of elements
    "np.degrees": "Use micrograd.rad2deg.",
    "np.radians": "Use micrograd.deg2rad.",
    "np.divmod": "Use a // b and a % b.",
    "np.modf": "Use micrograd.trunc(x) and x - micrograd.trunc(x).",
    "np.ldexp": "Use x * 2.0**n.",
    **dict.fromkeys(("np.frexp", "np.nextafter", "np.spacing"), _ROUNDING),
    **dict.fromkeys(
        (
            *("np.bitwise_and", "np.bitwise_or", "np.bitwise_xor", "np.bitwise_count"),
            *("np.invert", "np.left_shift", "np.right_shift", "np.gcd", "np.lcm", "np.isnat"),
            *("np.packbits", "np.unpackbits"),
        ),
        _INTEGERS,
    ),
    # Methods of NumPy's elementwise functions
    "np.add.reduce": "Use micrograd.sum.",
    "np.multiply.reduce": "Use micrograd.prod.",
    "np.maximum.reduce": "Use micrograd.max.",
    "np.minimum.reduce": "Use micrograd.min.",
    "np.logaddexp.reduce": "Use micrograd.logsumexp.",
    "np.add.accumulate": "Use micrograd.cumsum.",
    "np.multiply.accumulate": "Use micrograd.cumprod.",
    "np.add.reduceat": "Use micrograd.split, and sum each part.",
    "np.add.at": "Use micrograd.at(x)[index].add(value), which gives a changed copy.",
    "np.multiply.outer": "Use micrograd.outer.",
}
"""What to do instead, by the function's name: one or two sentences."""

_METHODS = {
    "reduce": "Use micrograd.sum, prod, max or min, or a loop.",
    "accumulate": "Use micrograd.cumsum or micrograd.cumprod, or a loop.",
    "reduceat": "Use micrograd.split, and reduce each part.",
    "outer": "Give the left one new axes, as in a[:, None] for a vector b on the right.",
    "at": "Use micrograd.at(x)[index].set(value), which gives a changed copy.",
}


def hint_for(name: str) -> str:
    """Return what to use instead of NumPy's function of a name.

    >>> hint_for("np.linalg.eig")
    'Use micrograd.linalg.eigh, which is for symmetric matrices.'
    """
    if name in HINTS:
        return HINTS[name]
    _, _, method = name.rpartition(".")
    if name.count(".") == 2 and method in _METHODS:
        return _METHODS[method]
    return (
        "Write it with the operations of micrograd, which have NumPy's names, or define it with "
        "micrograd.define_op."
    )
