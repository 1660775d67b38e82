"""学分台账: credit posted and reversed, append-only and hash-chained (invariant 7).

The door is ``entries`` (post, reverse, read) and ``verify``; ``chain`` says what an entry's hash covers. Only this room
touches the ledger's rows. An entry refers to what it records by an opaque reference: the ledger knows nothing about
claims.
"""
