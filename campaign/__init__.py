"""The long campaigns: crashes, switches, order, outages and bad disks, against the installed command under load."""
