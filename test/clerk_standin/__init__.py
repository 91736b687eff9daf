"""A stand-in for Clerk: its Frontend and Backend API on a loopback port.

Start it with ``python3 -m clerk_standin`` or, from a test, with
``clerk_standin.client.StandIn.start()``.  README.md tells the rest.
"""
