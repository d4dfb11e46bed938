"""XMP packets: parsing their metadata, and adding to them with everything else kept.

Adobe, XMP Specification Part 1 (ISO 16684-1) and Part 2, sections 2.4 and 3.3. Packets come from
strangers: no DTD, no entity, no more than `LARGEST` bytes.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from xml.dom import minidom
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

from indexer.images.metadata import exif_date

LARGEST = 4 << 20  # bytes; Lightroom's and darktable's longest edits take some hundred thousand
_MOST = 50_000  # elements of a packet that is added to: each takes a kilobyte of memory then

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC = "http://purl.org/dc/elements/1.1/"
XMP = "http://ns.adobe.com/xap/1.0/"
EXIF = "http://ns.adobe.com/exif/1.0/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_CREATED = ((PHOTOSHOP, "DateCreated"), (XMP, "CreateDate"))  # of a scan or a film; digitised
_PREFIXES = {DC: "dc", XMP: "xmp", EXIF: "exif", _TIFF: "tiff", PHOTOSHOP: "photoshop"}
_EMPTY = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="sightline">
<rdf:RDF xmlns:rdf="{_RDF}"/>
</x:xmpmeta>
<?xpacket end="w"?>"""
_DECLARATION = re.compile(r"\s*<\?xml\s")
_DTD = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ANGLE = re.compile(r"\s*(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?(?:,(\d+(?:\.\d+)?))?\s*([NSEW])\s*")
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of an image by a person, a camera or a program."""

    keywords: tuple[str, ...] = ()
    rating: int | None = None  # 1 to 5 stars, -1 rejected; None also for no stars
    description: str | None = None
    latitude: float | None = None  # degrees, north and east positive; both or none
    longitude: float | None = None
    taken_at: str | None = None  # ISO 8601, as of a `storage.records.Capture`
    camera: str | None = None  # maker and model
    title: str | None = None
    created_at: str | None = None  # by a person or a program, where no camera wrote `taken_at`

    def __bool__(self) -> bool:
        return self != Metadata()


def parse(packet: bytes) -> Metadata:
    """Parse a packet; raises a ValueError worded for the user."""
    return metadata(described(packet))


def described(packet: bytes) -> list[ElementTree.Element]:
    """Return the descriptions in a packet; raises a ValueError worded for the user."""
    return list(_tree(_text(packet)).iter(f"{{{_RDF}}}Description"))


def metadata(described: list[ElementTree.Element]) -> Metadata:
    """Return the metadata in the descriptions of a packet."""
    place = angle(value(described, EXIF, "GPSLatitude"), "NS", 90)
    across = angle(value(described, EXIF, "GPSLongitude"), "EW", 180)
    whole = place is not None and across is not None
    return Metadata(
        keywords=tuple(dict.fromkeys(_keywords(described))),
        rating=stars(value(described, XMP, "Rating")),
        description=tidy(value(described, DC, "description")) or None,
        latitude=place if whole else None,
        longitude=across if whole else None,
        taken_at=moment(value(described, EXIF, "DateTimeOriginal")),
        camera=tidy(value(described, _TIFF, "Model")) or None,
        title=tidy(value(described, DC, "title")) or None,
        created_at=next(filter(None, (moment(value(described, *one)) for one in _CREATED)), None),
    )


def merged(packet: bytes | None, more: Metadata) -> bytes:
    """Put metadata into a packet, or make one; everything else in it stays.

    Keywords join those that are there; anything else takes the place of what says nothing. A
    ValueError says in words why that cannot be done.
    """
    text = _EMPTY if packet is None else _text(packet)
    if sum(1 for _ in _tree(text).iter()) > _MOST:
        raise ValueError(f"it has more than {_MOST:,} elements")
    try:
        document = minidom.parseString(text)
        if _canonical(_spelt(document, text)) != _canonical(text):
            raise ValueError("it holds what would not outlast being written anew")
        _Packet(document).say(more)
        made = (_spelt(document, text) + "\n").encode()
    except (ExpatError, ElementTree.ParseError) as error:
        raise ValueError(f"it is not well-formed: {error}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _require_said(made, more)
    return made


def _require_said(made: bytes, more: Metadata) -> None:
    found = parse(made)
    place = more.latitude is None or found.latitude is not None
    if not (
        set(more.keywords) <= set(found.keywords)
        and more.rating in (None, found.rating)
        and more.description in (None, found.description)
        and more.taken_at in (None, found.taken_at)
        and more.camera in (None, found.camera)
        and more.title in (None, found.title)
        and more.created_at in (None, found.created_at)
        and place
    ):
        raise ValueError("it has a form that nothing can be added to")


def tidy(value: str | None) -> str:
    """Return a text without characters that XML cannot contain, and stripped."""
    kept = (c for c in value or "" if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))
    text = "".join(c for c in kept if not "\ud800" <= c <= "\udfff")
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def stars(value: object) -> int | None:
    """Parse a rating: 1 to 5, or -1; None for anything else."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return int(number) if number in (-1, 1, 2, 3, 4, 5) else None


def moment(value: str | None) -> str | None:
    """Parse the date of an image as those of Exif are, as far as it is certain.

    Part 1, section 8.2.1.1: it may end after the year, month or day. Some programs write the form
    of Exif.
    """
    written = (value or "").strip()
    return None if exif_date.is_unset(written) else exif_date.taken_at(written, None, None)


def angle(value: str | None, letters: str, most: int) -> float | None:
    """Parse "38,43.32N" or "38,43,19.2N" as degrees; `letters` are plus and minus."""
    found = _ANGLE.fullmatch(value or "")
    if found is None or found[4] not in letters:
        return None
    degrees = sum(float(found[1 + i] or 0) / (1, 60, 3600)[i] for i in range(3))
    if degrees > most:
        return None
    return round(-degrees if found[4] == letters[1] else degrees, 7)


def _spelt_angle(degrees: float, letters: str) -> str:
    whole, minutes = divmod(round(abs(degrees) * 60, 5), 60)
    return f"{whole:.0f},{minutes:.5f}{letters[degrees < 0]}"


def _text(packet: bytes) -> str:
    if len(packet) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST >> 20} MiB")
    encoding = next((name for mark, name in _MARKS if packet.startswith(mark)), "utf-8")
    try:
        # Behind the end of a packet some programs leave zeros.
        text = packet.decode(encoding).rstrip("\0 \r\n\t")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if _DTD.search(text):
        raise ValueError("it declares a document type, as only an attack does")
    return text


def _tree(text: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"it is not well-formed: {error}") from None


def value(described: list[ElementTree.Element], space: str, name: str) -> str | None:
    """Return a property: an attribute, a text, or of several texts the one for every language."""
    key = f"{{{space}}}{name}"
    for each in described:
        if key in each.attrib:
            return each.attrib[key]
        found = each.find(key)
        if found is None:
            continue
        texts = found.findall(f"./*/{{{_RDF}}}li")
        default = [one for one in texts if one.get(_LANGUAGE) == "x-default"]
        chosen = (default or texts or [found])[0]
        return chosen.text
    return None


def _keywords(described: list[ElementTree.Element]) -> Iterator[str]:
    for each in described:
        for one in each.findall(f"{{{DC}}}subject/*/{{{_RDF}}}li"):
            if word := tidy(one.text):
                yield word


def _canonical(text: str) -> str:
    return ElementTree.canonicalize(text, with_comments=True)


def _spelt(document: minidom.Document, text: str) -> str:
    parts = [node.toxml() for node in document.childNodes]
    if _DECLARATION.match(text):
        parts.insert(0, '<?xml version="1.0" encoding="UTF-8"?>')
    return "\n".join(parts)


class _Packet:
    """A packet that is being added to."""

    def __init__(self, document: minidom.Document) -> None:
        found = document.getElementsByTagNameNS(_RDF, "RDF")
        if not found:
            raise ValueError("it is no XMP")
        self._document, self._rdf = document, found[0]
        self._prefix = f"{self._rdf.prefix}:" if self._rdf.prefix else ""
        self._new: minidom.Element | None = None

    def say(self, more: Metadata) -> None:
        """Add what is known of an image."""
        if more.keywords:
            self._add(self._property(DC, "subject"), "Bag", more.keywords)
        if more.rating is not None:
            self._set(XMP, "Rating", str(more.rating))
        for name, text in (("description", more.description), ("title", more.title)):
            if text is not None and not self._attribute(DC, name, text):
                told = self._property(DC, name)
                self._clear(told)
                self._add(told, "Alt", (text,))
        if more.latitude is not None and more.longitude is not None:
            self._set(EXIF, "GPSLatitude", _spelt_angle(more.latitude, "NS"))
            self._set(EXIF, "GPSLongitude", _spelt_angle(more.longitude, "EW"))
        if more.taken_at is not None:
            self._set(EXIF, "DateTimeOriginal", more.taken_at)
        if more.camera is not None:
            self._set(_TIFF, "Model", more.camera)
        if more.created_at is not None:
            self._set(PHOTOSHOP, "DateCreated", more.created_at)

    def _set(self, space: str, name: str, value: str) -> None:
        if not self._attribute(space, name, value):
            found = self._property(space, name)
            self._clear(found)
            found.appendChild(self._document.createTextNode(value))

    def _attribute(self, space: str, name: str, value: str) -> bool:
        for each in self._described():
            if (found := each.getAttributeNodeNS(space, name)) is not None:
                found.value = value
                return True
        return False

    def _property(self, space: str, name: str) -> minidom.Element:
        for each in self._described():
            for child in _elements(each):
                if (child.namespaceURI, child.localName) == (space, name):
                    return child
        if self._new is None:
            self._new = self._element(self._rdf, "Description")
            self._new.setAttributeNS(_RDF, f"{self._prefix}about", "")
            for declared in (DC, XMP, EXIF, _TIFF):
                self._new.setAttribute(f"xmlns:{_PREFIXES[declared]}", declared)
        self._new.setAttribute(f"xmlns:{_PREFIXES[space]}", space)
        made = self._document.createElementNS(space, f"{_PREFIXES[space]}:{name}")
        self._new.appendChild(made)
        return made

    def _described(self) -> list[minidom.Element]:
        return [each for each in _elements(self._rdf) if each.localName == "Description"]

    def _add(self, parent: minidom.Element, kind: str, texts: tuple[str, ...]) -> None:
        within = _elements(parent)
        if not within:
            self._clear(parent)
        holder = within[0] if within else self._element(parent, kind)
        for text in texts:
            one = self._element(holder, "li")
            if kind == "Alt":
                one.setAttribute("xml:lang", "x-default")
            one.appendChild(self._document.createTextNode(text))

    def _element(self, parent: minidom.Element, name: str) -> minidom.Element:
        made = self._document.createElementNS(_RDF, f"{self._prefix}{name}")
        parent.appendChild(made)
        return made

    @staticmethod
    def _clear(parent: minidom.Element) -> None:
        while parent.firstChild is not None:
            parent.removeChild(parent.firstChild)


def _elements(parent: minidom.Element) -> list[minidom.Element]:
    return [child for child in parent.childNodes if isinstance(child, minidom.Element)]
