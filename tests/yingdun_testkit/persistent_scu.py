"""A modality that sends one object after the other and does not give up: `python -m yingdun_testkit.persistent_scu HOST PORT AE NAME`.

It says the number of each object that was acknowledged; one that was not is sent again over an association of its own.
"""

import sys
import time

import pynetdicom
from pynetdicom.sop_class import SecondaryCaptureImageStorage

from . import part10
from .ingest import Objects

#: Seconds without an answer after which it begins anew.
PATIENCE_SECONDS = 3


def main():
    host, port, calling, name = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    objects, number = Objects(name), 0
    entity = pynetdicom.AE(ae_title=calling)
    entity.add_requested_context(SecondaryCaptureImageStorage, part10.EXPLICIT_LITTLE_ENDIAN)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = PATIENCE_SECONDS
    while True:
        association = entity.associate(host, port, ae_title="YINGDUN")
        while association.is_established:
            try:
                status = association.send_c_store(part10.parse(objects.file(number)))
            except (RuntimeError, ValueError, OSError):
                break
            if not status or status.Status != 0:
                break
            print(number, flush=True)
            number += 1
        association.abort()
        time.sleep(0.2)


if __name__ == "__main__":
    main()
