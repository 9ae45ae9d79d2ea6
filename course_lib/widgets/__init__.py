"""Pictures one can touch: each widget draws in the browser, and asks the kernel only for exact figures."""

from course_lib.widgets.budgets import LayerBudgets
from course_lib.widgets.threshold import ThresholdHistogram

__all__ = ["LayerBudgets", "ThresholdHistogram"]
