"""Process files to process graphs and back.

Reads BPMN 2.0 as any tool writes it and the two Orchesty formats, keeps the original bytes, and reports what a file
holds that Segue cannot run as findings. Pure: bytes in, data out.
"""

from segue.bpmn.reader import ReadResult, read_file
from segue.bpmn.scope import Dialect

__all__ = ["Dialect", "ReadResult", "read_file"]
