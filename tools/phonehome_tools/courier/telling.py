"""What a visit and an upload were, for people."""

from .uploading import Upload
from .visit import Visit


def tell_visit(visit: Visit) -> None:
    """The device, what came out of it, and what it still has."""
    print(
        f"{visit.device} at {visit.port}: {_count(visit.records, 'record')} in "
        f"{_count(visit.reports, 'report')}, {visit.report_bytes} bytes "
        f"({visit.line_bytes} on the line) in {visit.export_s:.1f} s"
    )
    if visit.acks_typed:
        kept = f", {visit.quarantined} put into quarantine" if visit.quarantined else ""
        print(f"  {_count(visit.deleted, 'record')} committed and deleted there{kept}")
    if visit.waiting:
        print(f"  {_count(visit.waiting, 'record')} still there, until their ack is typed")
    if visit.upload is None and visit.reports:
        print("  kept here: 'phonehome push-reports --server URL' uploads, the next pull acks")


def tell_upload(upload: Upload) -> None:
    """What the receiver has by now, and what not."""
    print(f"uploaded: {_count(upload.acked, 'report')}, {upload.bytes} bytes")
    if upload.unverified:
        print(f"  unverified, because nobody signed them: {_count(upload.unverified, 'report')}")
    for text in upload.refused:
        print(f"  refused, and put aside: {text}")
    for text in upload.later:
        print(f"  still waits here: {text}")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
