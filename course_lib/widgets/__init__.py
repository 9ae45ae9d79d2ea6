"""Pictures one can touch: each widget draws in the browser, and asks the kernel only for exact figures."""

from course_lib.widgets.budgets import LayerBudgets
from course_lib.widgets.channels import ChannelPicker
from course_lib.widgets.designer import ScheduleDesigner
from course_lib.widgets.painter import MaskPainter
from course_lib.widgets.scrubber import Frame, StepScrubber
from course_lib.widgets.threshold import ThresholdHistogram

__all__ = [
    "ChannelPicker",
    "Frame",
    "LayerBudgets",
    "MaskPainter",
    "ScheduleDesigner",
    "StepScrubber",
    "ThresholdHistogram",
]
