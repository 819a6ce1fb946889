"""XMP packets as photo programs write them."""

from __future__ import annotations

LIGHTROOM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
   xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
   xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
   xmp:Rating="{rating}" tiff:Make="Canon" tiff:Model="Canon EOS R5"
   exif:DateTimeOriginal="2023-05-06T07:08:09.10" exif:GPSLatitude="48,51.5N"
   exif:GPSLongitude="2,17,30W">
  <dc:title><rdf:Alt><rdf:li xml:lang="de">Strand</rdf:li>
    <rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
  <dc:creator><rdf:Seq><rdf:li>Ada</rdf:li><rdf:li>Bea</rdf:li></rdf:Seq></dc:creator>
  <dc:subject><rdf:Bag><rdf:li>{keyword}</rdf:li><rdf:li>Holiday</rdf:li></rdf:Bag></dc:subject>
  <lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|France|{keyword}</rdf:li></rdf:Bag>
  </lr:hierarchicalSubject>
  <dc:description><rdf:Alt><rdf:li xml:lang="x-default">Waves &amp; sand</rdf:li></rdf:Alt>
  </dc:description>
 </rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def packet(title: str = "At the beach", keyword: str = "Beach", rating: object = 4) -> str:
    """As Lightroom writes it."""
    return LIGHTROOM.format(title=title, keyword=keyword, rating=rating)
