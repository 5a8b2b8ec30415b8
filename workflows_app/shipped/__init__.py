"""The workflows that come with the product: folders of definitions, which no other code knows by name (law 12)."""
