"""Investor: weighs a plan as an investor would, as an InvestorBrief."""
