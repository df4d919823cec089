"""The steps of the mutagenesis program: what the router reads at a site."""
