"""Forms in which records leave the project: what a record contains, and the renderers that write it as bytes.

Pure. Other rooms use ``base`` for the data and ``tabular.RENDERERS`` for the renderers.
"""
