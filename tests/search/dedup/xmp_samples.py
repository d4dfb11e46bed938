"""Images that say something: XMP packets, IPTC, EXIF and sidecars, made by the tests."""

from io import BytesIO
from pathlib import Path

from PIL import Image, PngImagePlugin

NAMESPACES = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:darktable="http://darktable.sf.net/"'
)


def packet(inner: str = "", attributes: str = "", keywords: tuple[str, ...] = ()) -> bytes:
    """Spell an XMP packet as Adobe does."""
    words = "".join(f"<rdf:li>{word}</rdf:li>" for word in keywords)
    subject = f"<dc:subject><rdf:Bag>{words}</rdf:Bag></dc:subject>" if keywords else ""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {NAMESPACES}>'
        f'<rdf:Description rdf:about="" {attributes}>{inner}{subject}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
    ).encode()


def described(text: str) -> str:
    """Spell a description."""
    return (
        '<dc:description><rdf:Alt><rdf:li xml:lang="de">anders</rdf:li>'
        f'<rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></dc:description>'
    )


def photo(path: Path, xmp: bytes | None = None, exif: bytes = b"", seed: int = 0) -> Path:
    """Draw a small image that holds a packet and an EXIF block."""
    encoded = BytesIO()
    image = Image.new("RGB", (32, 24), (seed % 256, seed // 256, 90))
    kind = {"jpg": "JPEG", "tif": "TIFF"}.get(path.suffix[1:], path.suffix[1:].upper())
    more: dict[str, object] = {"exif": exif} if exif else {}
    if xmp is not None and kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        more["pnginfo"] = text
    elif xmp is not None:
        more |= {"tiffinfo": {700: xmp}} if kind == "TIFF" else {"xmp": xmp}
    image.save(encoded, kind, **more)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded.getvalue())
    return path
