"""Which names belong together: cameras, phones, programs and Google Takeout each have rules."""

import pytest

from search.dedup.companions.naming import belongs, is_companion

LONG = "a_photo_whose_name_is_so_long_that_it_is_cut_off"  # 48 characters


@pytest.mark.parametrize(
    ("image", "companion"),
    [
        ("P.jpg", "P.nef"),
        ("P.JPG", "p.NEF"),
        ("P.jpg", "P.DNG"),
        ("IMG_1.HEIC", "IMG_1.MOV"),
        ("IMG_1.JPG", "IMG_1.mov"),
        ("IMG_1.HEIC", "IMG_1.HEIC.mov"),
        ("20200101.jpg", "20200101.mp4"),
        ("PXL_1.MP.jpg", "PXL_1.MP.mp4"),
        ("PXL_1.MP.jpg", "PXL_1.MP"),
        ("P.jpg", "P.xmp"),
        ("P.jpg", "P.jpg.xmp"),
        ("P.jpg", "P.JPG.XMP"),
        ("P.jpg", "P.jpg.pp3"),
        ("P.jpg", "P_01.jpg.xmp"),  # darktable's further versions
        ("P_01.JPG", "P_01_12.jpg.XMP"),
        ("P_1.jpg", "P_1_100.jpg.xmp"),
        ("P_01.jpg", "P_01.jpg.xmp"),
        ("P.jpg", "P.acr"),  # masks of Adobe Camera Raw
        ("P.jpg", "P.on1"),
        ("P.jpg", "P.jpg.arp"),
        ("P.jpg", "P.yml"),
        ("P.jpg", "P.jpg.yaml"),
        ("DJI_1.JPG", "DJI_1.SRT"),
        ("DJI_1.JPG", "DJI_1.LRF"),
        ("IMG_1_00.jpg", "IMG_1_00.insv"),
        ("walk.jpg", "walk.gpx"),
        ("map.tif", "map.tfw"),
        ("map.jpg", "map.jgw"),
        ("MVI_1.jpg", "MVI_1.THM"),
        ("DSC_1.JPG", "DSC_1.WAV"),
        ("design.png", "design.psd"),
        ("caf\u00e9.jpg", "cafe\u0301.MOV"),  # composed and decomposed
        ("IMG_1234.HEIC", "IMG_1234.AAE"),
        ("IMG_1234.HEIC", "IMG_O1234.AAE"),
        ("IMG_E1234.HEIC", "IMG_1234.AAE"),
        ("IMG_E1234.HEIC", "IMG_E1234.MOV"),
        ("P.jpg", "P.json"),
        ("P.jpg", "P.jpg.json"),
        ("P.jpg", "P.jpg.supplemental-metadata.json"),
        ("P.jpg", "P.jpg.supplemental-me.json"),
        ("P.jpg", "P.jpg.s.json"),
        ("P(1).jpg", "P.jpg(1).json"),
        ("P(1).jpg", "P(1).jpg.json"),
        ("P(1).jpg", "P.jpg.supplemental-metadata(1).json"),
        ("P(12).jpg", "P.jpg.supplemental-meta(12).json"),
        ("P-edited.jpg", "P.jpg.json"),
        ("P-edited(2).jpg", "P.jpg.supplemental-metadata(2).json"),
        (f"{LONG}.jpg", f"{LONG[:46]}.json"),
        (f"{LONG[:43]}.jpg", f"{LONG[:43]}.jp.json"),
    ],
)
def test_a_companion_belongs_to_its_image(image: str, companion: str) -> None:
    assert belongs(companion, image)


@pytest.mark.parametrize(
    ("image", "other"),
    [
        ("P.jpg", "P.png"),
        ("P.jpg", "P.heic"),
        ("P.jpg", "P2.mov"),
        ("P.jpg", "P .mov"),
        ("P2.jpg", "P.mov"),
        ("P.jpg", "P.png.xmp"),
        ("P.jpg", "P.supplemental-metadata.json"),
        ("P.jpg", "P.jpg(1).json"),
        ("P(1).jpg", "P.jpg.json"),
        ("P(1).jpg", "P.jpg(2).json"),
        ("P.jpg", "P.jpg.other.json"),
        ("P-edited.jpg", "P.mov"),
        ("IMG_E1234.HEIC", "IMG_1234.MOV"),
        ("IMG_1234.HEIC", "IMG_E1234.AAE"),
        ("P.jpg", "P.txt"),
        ("P.jpg", "P_1.jpg.xmp"),
        ("P.jpg", "P_01.png.xmp"),
        ("P.jpg", "P_01.xmp"),
        ("P.jpg", "P_01.jpg.pp3"),
        ("P_01.jpg", "P.jpg.xmp"),
        ("P.jpg", "walk.gpx"),
        ("P.jpg", "P"),
        ("P.jpg", "metadata.json"),
    ],
)
def test_other_names_do_not_belong(image: str, other: str) -> None:
    assert not belongs(other, image)


def test_images_and_texts_are_no_companions() -> None:
    assert not any(map(is_companion, ("a.jpg", "a.HEIC", "a.tif", "a.txt", "a", ".xmp")))
