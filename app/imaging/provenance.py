"""What an answer says of itself: that a trained algorithm altered it, and which."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC digital source type of a photograph in which a trained model replaced a part."""

XMP_KEYWORD = "XML:com.adobe.xmp"


def xmp_packet(software: str, *, altered: bool) -> str:
    """XMP packet naming the software and, if pixels were altered, the digital source type."""
    source = f"\n    Iptc4xmpExt:DigitalSourceType={quoteattr(COMPOSITE)}" if altered else ""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about=""\n'
        '    xmlns:xmp="http://ns.adobe.com/xap/1.0/"\n'
        '    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"\n'
        f"    xmp:CreatorTool={quoteattr(software)}{source}/>\n"
        " </rdf:RDF>\n"
        "</x:xmpmeta>\n"
        '<?xpacket end="r"?>'
    )


def png_text(software: str, *, altered: bool) -> dict[str, str]:
    """The text chunks of an answer, by PNG keyword."""
    return {"Software": software, XMP_KEYWORD: xmp_packet(software, altered=altered)}
