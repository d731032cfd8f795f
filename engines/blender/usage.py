"""What this process has used: CPU time and memory, as every answer reports them."""

import os
import resource
import time


def cpu_millis():
    """User and system time of all threads so far."""
    return int(time.process_time() * 1000)


def usage(cpu_millis_before):
    """The usage fields of an answer: CPU since the request came, peak and present resident memory."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        resident_pages = int(statm.read().split()[1])
    return {
        "cpu_millis": cpu_millis() - cpu_millis_before,
        # Linux counts ru_maxrss in KiB.
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "resident_bytes": resident_pages * os.sysconf("SC_PAGE_SIZE"),
    }
