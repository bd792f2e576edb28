"""Models of other houses, local or served: asked what stands on a page, believed only where our own reader read it."""
