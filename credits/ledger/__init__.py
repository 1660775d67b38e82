"""学分台账: credit posted and reversed, append-only and hash-chained.

Refers to what it records by an opaque reference and knows nothing of claims. Only this room touches its rows.
"""
