"""Where the annotations and sequences come from, and the programs that fetch and build them.

Run the programs from the repository's root: `python -m annotations.fetch`,
`python -m annotations.build_demo_region`.
"""
