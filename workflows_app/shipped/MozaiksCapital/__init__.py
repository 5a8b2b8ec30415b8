"""MozaiksCapital: answers an investment question with computed figures, as InvestmentData."""
