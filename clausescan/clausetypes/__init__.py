"""Clause types of the user's own: found as files, checked with line numbers, and made into the same shapes and prompts as the
built-in ones. They are data; a class is imported only where the user names it beside the file.
"""
