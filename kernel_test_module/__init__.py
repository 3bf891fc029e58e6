"""The kernel side of imsgen's tests: fetch a kernel, apply series, build, boot, parse KTAP.

The data flows one way: `fetch` gives a `Tree`, `trees` applies the series to it, `build` makes a
kernel of it, `boot` runs that, `ktap` reads what it said, `report` adds it all up.
"""
