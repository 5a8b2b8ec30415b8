"""Generator: plans a multi-agent workflow for what the user describes, as an ActionPlan."""
