"""Forges (GitHub, Gitee, AtomGit): ask them what was merged, and translate their answers into facts.

Pure: no Django, no settings, and no clock except the one that an adapter gets. The door: ``protocol`` (what every forge
can do, and the facts), ``errors``, ``tokens``, the adapters ``github.adapter``, ``gitee.adapter`` and
``gitee.atomgit``, and the helpers ``pull_request_urls``, ``patch_identity`` and ``file_categories``.
"""
