"""The words for the halves of a day that stand beside an hour of twelve, in many languages.

Phones write the date of Exif in the language they are set to. The words are those of the Unicode
Common Locale Data Repository (CLDR, dayPeriods of the Gregorian calendar, all widths), and older
ones that programs still write.
"""

import re
import unicodedata

# By the hour of the day that begins the twelve hours of a word: noon in China reaches from late
# morning to early afternoon, and the evening up to midnight, whose day is not certain.
_WORDS = {
    0: """
        AM, a, a.m., ص, صباحا, ق.ظ, قبل ازظهر, قبل دوپہر, غ.م, ب.ن, چۈشتىن بۇرۇن,
        לפנה״צ, לפני הצהריים,
        π.μ., προ μεσημβρίας, пр.об., претпл., претпладне, пре подне, до полудня, ДП, да палудня,
        до обяд, таңкы, ү.ө., түске дейін, ԿԱ, կեսօրից առաջ, de., délelőtt, dop., dopoledne,
        dopoldne, dopołudnia, vorm., vormittags, morgens, fm, f.m., formiddag, förmiddag, ap., f.h.,
        vm, priekšp., priekšpusdienā, priešpiet, ÖÖ, öğleden önce, günortadan öň, SA, PG, PD,
        paradite, e paradites, TO, asubuhi, r.n., yb, atm, पूर्वाह्न, म.पू., सकाळ, ਪੂ.ਦੁ., முற்பகல்,
        పూర్వాహ్నం, పూర్వాహ్న, ಪೂರ್ವಾಹ್ನ, පෙ.ව., ก่อนเที่ยง, ກ່ອນທ່ຽງ, ព្រឹក, နံနက်, ጥዋት,
        上午, 午前, 凌晨, 清晨, 早上, 早晨, 오전, 새벽, 아침
    """,
    12: """
        PM, p, p.m., م, مساء, ب.ظ, بعدازظهر, بعد دوپہر, غ.و, د.ن, چۈشتىن كېيىن, אחה״צ, אחר הצהריים,
        μ.μ., μετά μεσημβρίας, сл.об., попл., попладне, по подне, после полудня, ПП, пасля палудня,
        след обяд, түштөн кийинки, ү.х., түстен кейін, ԿՀ, կեսօրից հետո, du., délután, odp.,
        odpoledne, pop., popoldne, popołudniu, nachm., nachmittags, abends, em, e.m., eftermiddag,
        ip., e.h., nm, pēcp., pēcpusdienā, popiet, ÖS, öğleden sonra, günortadan soň, CH, PTG, MD,
        pasdite, e pasdites, TK, mchana, i.n., yh, ptm, अपराह्न, म.उ., ਬਾ.ਦੁ., பிற்பகல், అపరాహ్నం,
        అపరాహ్న, ಅಪರಾಹ್ನ, ප.ව., หลังเที่ยง, ຫຼັງທ່ຽງ, ល្ងាច, ညနေ, ከሰዓት,
        下午, 午後, 傍晚, 오후, 저녁
    """,
    6: "noon, 中午, 正午",
    13: "晚上, 晚間",
}
# What may stand beside an hour and is no half of a day: the T of ISO 8601, "at" and "o'clock",
# names of time zones and of days.
_OTHERS = re.compile(
    r"^\s*[Tt](?![A-Za-z])|\([^)]*\)|\[[^]]*\]|\b[A-Z]{3,5}\b|\b[A-Z][a-z]+/[A-Z]\w+\b"
    r"|\b(?i:at|z|utc|gmt|uhr|h|hrs|s|sec|oclock|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*)\b"
)


def hour_of_day(hour: int, around: str) -> int | None:
    """Return the hour of 24 that is meant by an hour and the words around it.

    An hour of 24 is itself. None for one of 12 beside a word that is not known.
    """
    if hour > 12:
        return hour
    word = _letters(around)
    if word not in _STARTS:
        word = _letters(_OTHERS.sub(_unless_period, around))
    if not word:
        return hour
    start = _STARTS.get(word)
    found = None if start is None else start + (hour - start) % 12
    return None if found == 24 else found


def _unless_period(other: re.Match[str]) -> str:
    """Return nothing for what stands beside an hour, but a half of a day as it is: Malay `PTG`."""
    return other[0] if _letters(other[0]) in _STARTS else " "


def _letters(text: str) -> str:
    """Return the letters of a text in one case, with the vowel marks of Indian and Thai script."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LM")


_STARTS = {_letters(word): start for start, row in _WORDS.items() for word in row.split(",")}
