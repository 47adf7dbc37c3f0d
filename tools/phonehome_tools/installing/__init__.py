"""Putting the agent, a product and an application on a board, so that a pulled cable hurts nobody.

bundle       what is to be there
switching    the script that finishes an installation, on the board, at any later boot if need be
staging      new files beside the old ones, checked, then the switch
starting     the board starts again, and the agent says who it is
"""
